"""What a run warns of reaches whoever looks at it: the stored run, its study, the terminal, the panel and the page."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests import examples
from tests.contracts.probes.world import play, run, setting, start
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.distill import Distillation, collect, distill
from workbench.engine.live.narration import told
from workbench.engine.live.session import Session
from workbench.engine.store import Store
from workbench.engine.study.plan import plan_study
from workbench.engine.study.study import study
from workbench.engine.study.summary import summarise
from workbench.engine.training import keeper
from workbench.lab.transport import Transport
from workbench.methods.catalog import make
from workbench.models.mlp import MLP
from workbench.records import events
from workbench.records.budget import Budget
from workbench.records.snapshot import Snapshot
from workbench.records.study import Study
from workbench.reports.page import report

SWAPPED = "the student has 515 parameters, more than the 131 of its teacher; were they swapped?"
HOSTILE = "<b>bold</b> & wrong"
ONE = Budget(epochs=1, batch_size=16)


def swapped() -> object:
    return setting(student=partial(MLP, 4, (64,), 3))


def test_a_stored_run_lists_what_it_warned_of_as_it_was_told(tmp_path: Path) -> None:
    said = [event.message for event in play(start(swapped(), make("kd"), ONE)) if isinstance(event, events.Warning)]
    store = Store(folder=tmp_path)
    store.save(found := run(swapped(), make("kd"), ONE))
    assert list(found.warnings) == said == [SWAPPED]
    assert store.load(found.id).warnings == (SWAPPED,)
    assert store.runs()[0]["warnings"] == [SWAPPED]


def test_a_run_without_any_and_one_from_before_they_were_kept_list_none() -> None:
    assert run(setting(), make("kd"), ONE).warnings == ()
    assert examples.run().warnings == ()


def test_an_interrupted_run_keeps_what_was_warned_of_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "EVERY", 0.0)
    going = Distillation(setting(), make("kd"), Budget(epochs=3, batch_size=16), 0, Conditions(folder=tmp_path))
    for event in going.run(Controls(going.method)):
        if isinstance(event, events.Started):
            going.trial.warnings.append("before")
        if isinstance(event, events.Step) and event.step == 14:
            break
    conditions = Conditions(folder=tmp_path)
    again = collect(distill(setting(), make("kd"), Budget(epochs=3, batch_size=16), conditions=conditions))
    assert again.warnings == ("before",)


def test_a_study_says_each_once_with_its_arms(tmp_path: Path) -> None:
    found = study(swapped(), [make("kd")], 2, quick=True, budget=ONE, store=Store(folder=tmp_path))
    assert found.warnings == (f"{SWAPPED} (kd)",)
    assert Study.from_dict(found.to_dict()).warnings == found.warnings
    assert " ".join(str(found).lower().split()).count("were they swapped?") == 1
    assert Study.from_dict({k: v for k, v in found.to_dict().items() if k != "warnings"}).warnings == ()


def test_a_study_joins_the_arms_that_warn_alike() -> None:
    plan = plan_study(setting(), [make("kd")], 2, quick=True)
    noisy = {"warnings": ["a", "b"]}
    runs = {(arm, 0): replace(run(setting(), make("kd"), ONE), facts=noisy) for arm in ("labels_only", "kd")}
    runs["kd", 1] = replace(runs["kd", 0], facts={"warnings": ["b"]})
    assert summarise(plan, runs).warnings == ("a (labels_only, kd)", "b (labels_only, kd)")


def test_the_panel_shows_each_once_and_as_text() -> None:
    snapshot = Snapshot()
    for message in (HOSTILE, "second", HOSTILE):
        snapshot = replace(snapshot, **told(events.Warning(message=message), snapshot))
    assert snapshot.warnings == (HOSTILE, "second")
    shown = Transport(dict.fromkeys(("start", "pause", "step", "stop"), lambda: None))
    shown.show(Snapshot())
    assert (shown.warnings.value, shown.warnings.layout.display) == ("", "none")
    shown.show(snapshot)
    assert shown.warnings.value.count("&lt;b&gt;bold&lt;/b&gt; &amp; wrong") == 1
    assert "<b>" not in shown.warnings.value
    assert shown.warnings.layout.display == ""


def test_a_live_session_tells_them_and_forgets_them_at_the_next_start(tmp_path: Path) -> None:
    session = Session(swapped(), make("kd"), seeds=1, budget=ONE, store=Store(folder=tmp_path))
    session.start()
    assert session.wait(30).warnings == (SWAPPED,)
    session.setting = setting()
    session.start()
    assert session.wait(30).warnings == ()


@pytest.mark.parametrize("kind", ["run", "study"])
def test_a_page_lists_them(tmp_path: Path, kind: str) -> None:
    thing = examples.run() if kind == "run" else examples.study()
    warned = replace(
        thing, **({"facts": {**thing.facts, "warnings": [HOSTILE]}} if kind == "run" else {"warnings": (HOSTILE,)})
    )
    quiet, loud = (report(each, tmp_path / "page.html").read_text() for each in (thing, warned))
    assert "<h2>Warnings</h2>" not in quiet
    assert "<h2>Warnings</h2>" in loud
    assert "<li>&lt;b&gt;bold&lt;/b&gt; &amp; wrong</li>" in loud
