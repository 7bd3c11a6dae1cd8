"""An interrupted run goes on to the same final numbers, bit by bit."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from tests.contracts.probes.world import same
from tests.engine.interrupted import BUDGET, OWN, arm
from workbench.engine.controls import Controls
from workbench.engine.training import checkpoint, keeper
from workbench.engine.training.checkpoint import CorruptCheckpoint
from workbench.methods.catalog import catalog
from workbench.records import events
from workbench.records.run import Run

ROOT = Path(__file__).parents[2]
KILLED = ["kd", "crd", "deep_mutual_learning", "fitnets", "averaged"]


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    monkeypatch.setattr(keeper, "EVERY", keeper.EVERY)


def whole(name: str, folder: Path, controls: dict[int, tuple[str, float]] | None = None) -> tuple[Run, int]:
    """A run to its end, and where it began; controls are set after some steps."""
    going, begun = arm(name, folder), 0
    handle = Controls(going.method)
    for event in going.run(handle):
        if isinstance(event, events.Started):
            begun = event.resumed_at
        if isinstance(event, events.Step) and event.party == "student" and event.step in (controls or {}):
            handle.set(*controls[event.step])
    return event.run, begun


def assert_identical(left: Run, right: Run) -> None:
    assert left.id == right.id
    assert left.scores == right.scores
    assert left.changes == right.changes
    assert left.models.keys() == right.models.keys()
    assert all(same(left.models[party], right.models[party]) for party in left.models)
    assert all((left.predictions[party] == right.predictions[party]).all() for party in left.predictions)
    assert left.curves.keys() == right.curves.keys()
    for name, curve in left.curves.items():
        np.testing.assert_array_equal(curve.steps, right.curves[name].steps, err_msg=name)
        np.testing.assert_array_equal(curve.values, right.curves[name].values, err_msg=name)
    for fact in ("steps", "epochs", "parameters", "agreement"):
        assert left.facts[fact] == right.facts[fact]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "share"), [*zip([*OWN, *sorted(catalog())], cycle((0.3, 0.8)), strict=False)])
def test_a_run_that_is_dropped_goes_on_to_the_same_numbers(name, share, tmp_path):
    uninterrupted, _ = whole(name, tmp_path / "a")
    total = sum(uninterrupted.facts["steps"].values())
    together = sum(party == "student" or party.startswith("peer_") for party in uninterrupted.facts["steps"])
    going, steps = arm(name, tmp_path / "b"), 0
    stream = going.run(Controls(going.method))
    for event in stream:
        steps += isinstance(event, events.Step) and event.party != "teacher"
        if steps >= share * total / together:
            break
    stream.close()
    assert going.checkpoint_path.exists()
    resumed, _ = whole(name, tmp_path / "b")
    assert_identical(uninterrupted, resumed)
    assert not going.checkpoint_path.exists(), "a whole run leaves nothing to go on from"


@pytest.mark.slow
@pytest.mark.parametrize("name", KILLED)
def test_a_run_that_is_killed_goes_on_to_the_same_numbers(name, tmp_path):
    uninterrupted, _ = whole(name, tmp_path / "a")
    command = [sys.executable, "-c", "from tests.engine.interrupted import main; main()", name, str(tmp_path / "b")]
    last_step = 35 if name == "fitnets" else 71  # fitnets dies in its first stage
    patience = random.Random(f"kill {name}").randrange(1, last_step - 12)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            kind, _party, _stage, step, kept = line.split(" ")
            if kept.strip() == "True" and int(step) >= 7 + patience:
                child.send_signal(signal.SIGKILL)
                break
        assert child.wait(60) == -signal.SIGKILL, "it was still running"
    saved = checkpoint.load(arm(name, tmp_path / "b").checkpoint_path)
    assert kind == "Step"
    assert saved["stage"] == 0 or name != "fitnets"
    resumed, begun = whole(name, tmp_path / "b")
    assert 0 < begun < 72
    assert int(step) - begun < 2 * 6 + 1, "at most the current epoch and the one that was being written are lost"
    assert_identical(uninterrupted, resumed)


def test_controls_moved_before_the_interruption_hold_after_it(tmp_path):
    moved = {10: ("temperature", 9.0), 50: ("soft_weight", 0.2)}
    uninterrupted, _ = whole("kd", tmp_path / "a", moved)
    going = arm("kd", tmp_path / "b")
    handle = Controls(going.method)
    stream = going.run(handle)
    for event in stream:
        if isinstance(event, events.Step) and event.party == "student":
            if event.step == 10:
                handle.set(*moved[10])
            if event.step == 40:
                break
    stream.close()
    resumed, begun = whole("kd", tmp_path / "b", {50: moved[50]})
    assert begun == 36
    assert_identical(uninterrupted, resumed)
    assert "live" in resumed.id


def test_a_replayed_run_does_not_repeat_what_was_replayed_before_it_was_interrupted(tmp_path):
    live, _ = whole("kd", tmp_path / "a", {10: ("temperature", 9.0), 50: ("soft_weight", 0.2)})
    for stop in (40, None):
        going, found = arm("kd", tmp_path / "b"), []
        stream = going.run(Controls(going.method, replay=live.changes))
        for event in stream:
            found.append(event)
            if isinstance(event, events.Step) and (event.party, event.step) == ("student", stop):
                break
        stream.close()
    assert [e.step for e in found if isinstance(e, events.Changed)] == [51]
    assert_identical(live, found[-1].run)


def test_teacher_training_goes_on_where_it_was_interrupted(tmp_path):
    uninterrupted, _ = whole("kd", tmp_path / "a")
    going = arm("kd", tmp_path / "b")
    stream = going.run(Controls(going.method))
    next(e for e in stream if isinstance(e, events.Step) and e.party == "teacher" and e.step == 14)
    stream.close()
    again, taught = arm("kd", tmp_path / "b"), []
    for event in again.run(Controls(again.method)):
        if isinstance(event, events.Step) and event.party == "teacher":
            taught.append(event.step)
    assert taught == list(range(13, 19))
    assert_identical(uninterrupted, event.run)
    assert list((tmp_path / "b" / "checkpoints").iterdir()) == []


def test_the_checkpoint_stays_until_the_finished_run_is_let_go(tmp_path):
    going = arm("kd", tmp_path)
    stream = going.run(Controls(going.method))
    for event in stream:
        if isinstance(event, events.Finished):
            assert going.checkpoint_path.exists(), "a kill while the run is being stored loses nothing"
    assert not going.checkpoint_path.exists()


def test_a_damaged_checkpoint_is_one_clear_error(tmp_path):
    going = arm("kd", tmp_path)
    stream = going.run(Controls(going.method))
    next(e for e in stream if isinstance(e, events.Step) and e.party == "student" and e.step == 20)
    stream.close()
    content = going.checkpoint_path.read_bytes()
    going.checkpoint_path.write_bytes(content[:-100])
    with pytest.raises(CorruptCheckpoint, match="delete it to start over"):
        whole("kd", tmp_path)
    going.checkpoint_path.write_bytes(content)
    assert whole("kd", tmp_path)[1] == 18


def test_checkpoints_are_written_no_more_often_than_said(tmp_path, monkeypatch):
    going, written = arm("kd", tmp_path), []
    monkeypatch.setattr(keeper, "EVERY", 1000.0)
    monkeypatch.setattr(checkpoint, "save", lambda state, path: written.append(path))
    list(going.run(Controls(going.method)))
    assert written.count(going.checkpoint_path) == 1, "the first epoch at once, then nothing for a long time"
    assert BUDGET.epochs == 12
