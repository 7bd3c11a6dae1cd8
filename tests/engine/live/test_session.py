"""The live session: what its buttons do, what it shows, and that watching changes nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import nn

from workbench.engine.conditions import Conditions
from workbench.engine.distill import collect, distill
from workbench.engine.live.session import Session
from workbench.methods.catalog import make
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.records.run import Run
from workbench.records.snapshot import Snapshot
from workbench.settings.setting import Recipe, Setting

SHORT = Budget(epochs=4, batch_size=16, learning_rate=0.1)
LONG = Budget(epochs=4000, batch_size=16, learning_rate=0.1)
PATIENCE = 30.0
LATENCY = 0.3


class Dozing(MLP):
    """Takes its time over every batch it is asked about in evaluation mode."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if not self.training:
            time.sleep(0.05)
        return super().forward(inputs)


def data(samples: int = 80) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(samples) % 3
    return torch.eye(3)[labels] * 2 + torch.randn(samples, 3, generator=generator), labels


def setting(
    budget: Budget = SHORT,
    teacher: Budget = SHORT,
    net: type[nn.Module] = MLP,
    validation: int = 30,
) -> Setting:
    held_out = data(validation)
    recipe = Recipe(lambda: MLP(3, (16,), 3), teacher)
    return Setting(
        train=data(), test=data(60), teacher=recipe, student=lambda: net(3, (6,), 3, 0.2), budget=budget,
        validation=held_out, threads=1,
    )  # fmt: skip


@pytest.fixture
def sessions() -> Iterator[Callable[..., Session]]:
    """Makes sessions, and ends them after the test."""
    made: list[Session] = []

    def open_session(*arguments: object, **options: object) -> Session:
        made.append(Session(*arguments, **{"seeds": 1, **options}))
        return made[-1]

    yield open_session
    for session in made:
        session.stop()
        session.wait(PATIENCE)


def until(session: Session, wanted: Callable[[Snapshot], object]) -> Snapshot:
    deadline = time.monotonic() + PATIENCE
    while not wanted(session.snapshot):
        assert time.monotonic() < deadline, f"still {session.snapshot.status}: {session.snapshot.message}"
        time.sleep(0.002)
    return session.snapshot


def steps(snapshot: Snapshot) -> list[int]:
    return [lane.step for lane in snapshot.lanes]


def alone(stage: Setting, name: str) -> Run:
    return collect(distill(stage, make(name), conditions=Conditions(checkpoint=False)))


def same(first: Run, second: Run) -> bool:
    weights = zip(first.models["student"].values(), second.models["student"].values(), strict=True)
    return first.id == second.id and all(torch.equal(a, b) for a, b in weights)


# --- to the end ----------------------------------------------------------------------------------------------------
def test_student_and_control_are_the_runs_they_would_be_alone(sessions: Callable[..., Session]) -> None:
    session = sessions(setting(), make("kd"))
    session.start()
    done = session.wait(PATIENCE)
    assert (done.status, done.share) == ("finished", 1.0)
    assert same(done.runs["student"], alone(setting(), "kd"))
    assert same(done.runs["control"], alone(setting(), "labels_only"))
    assert all(session.store.has(run.id) for run in done.runs.values())


def test_the_last_snapshot_is_told_and_holds_every_step(sessions: Callable[..., Session]) -> None:
    session, told = sessions(setting(), make("kd")), []
    session.subscribe(told.append)
    session.start()
    session.wait(PATIENCE)
    last, run = told[-1], told[-1].runs["student"]
    assert last is session.snapshot
    assert [lane.name for lane in last.lanes] == ["student", "control"]
    assert steps(last) == [lane.steps for lane in last.lanes] == [4 * 5] * 2
    student = last.lanes[0]
    assert set(student.terms) == {"soft", "labels"}
    np.testing.assert_array_equal(student.terms["soft"].values, run.curves["terms/soft"].values)
    np.testing.assert_array_equal(student.validation.values, run.curves["validation/student"].values)
    np.testing.assert_array_equal(student.agreement.values, run.curves["probe/agreement"].values)
    assert last.teacher == run.scores["teacher"].validation


def test_one_seed_is_no_verdict_and_the_others_fill_it_in(sessions: Callable[..., Session]) -> None:
    session = sessions(setting(), make("kd"), seeds=3)
    session.start()
    first = session.wait(PATIENCE)
    assert first.study.comparisons["kd"].sentence == "one seed, no verdict"
    shares: list[float] = []
    session.subscribe(lambda snapshot: shares.append(snapshot.share))
    session.run_remaining()
    done = session.wait(PATIENCE)
    assert done.status == "finished"
    assert all(arm.seeds == (0, 1, 2) for arm in done.study.arms.values())
    assert done.study.verdicts["kd"] != "no verdict"
    assert shares == sorted(shares)
    assert done.study.arms["kd"].outcomes[0].run == first.runs["student"].id


def test_the_control_waits_while_an_assistant_trains(sessions: Callable[..., Session]) -> None:
    method = make("teacher_assistant").assisted_by(lambda: MLP(3, (10,), 3))
    session, told = sessions(setting(), method), []
    session.subscribe(told.append)
    session.start()
    assert session.wait(PATIENCE).status == "finished"
    assert all(control <= student for student, control in (steps(s) for s in told if s.lanes))


def test_several_parties_and_fitted_students_come_to_an_end(sessions: Callable[..., Session]) -> None:
    from sklearn.tree import DecisionTreeClassifier

    stage = setting().but(student=DecisionTreeClassifier(max_depth=2, random_state=0))
    for given, method in ((setting(), "deep_mutual_learning"), (stage, "kd")):
        session = sessions(given, make(method))
        session.start()
        assert session.wait(PATIENCE).status == "finished", session.snapshot.message


# --- the buttons ---------------------------------------------------------------------------------------------------
def test_pause_holds_step_takes_one_and_resume_ends_as_if_nothing_had_been(sessions: Callable[..., Session]) -> None:
    slow = Budget(epochs=60, batch_size=16, learning_rate=0.1)
    session = sessions(setting(slow), make("kd"))
    session.start()
    until(session, lambda s: s.status == "running" and s.lanes[0].step > 2)
    session.pause()
    held = until(session, lambda s: s.status == "paused")
    assert held.lanes[0].step == held.lanes[1].step
    time.sleep(0.3)
    assert steps(session.snapshot) == steps(held)

    session.step()
    until(session, lambda s: steps(s) != steps(held))
    time.sleep(0.3)
    assert steps(session.snapshot) == [step + 1 for step in steps(held)]
    assert session.snapshot.status == "paused"

    session.step(3)
    until(session, lambda s: steps(s) == [step + 4 for step in steps(held)])
    session.resume()
    assert same(session.wait(PATIENCE).runs["student"], alone(setting(slow), "kd"))


def stopped_within(session: Session) -> float:
    began = time.monotonic()
    session.stop()
    session.wait(PATIENCE)
    assert session.snapshot.status == "stopped"
    assert not session.busy
    return time.monotonic() - began


def test_stop_acts_before_the_next_step_and_start_begins_anew(sessions: Callable[..., Session]) -> None:
    session = sessions(setting(LONG), make("kd"))
    session.start()
    until(session, lambda s: s.status == "running" and s.lanes[0].step > 5)
    assert stopped_within(session) < LATENCY
    assert list((session.store.folder / "checkpoints").glob("*.safetensors")) == []
    session.start()
    again = until(session, lambda s: s.status == "running")
    assert again.lanes[0].step < 5


@pytest.mark.parametrize("where", ["teacher", "evaluation", "pause", "seeds"])
def test_stop_acts_at_once_wherever_it_is(sessions: Callable[..., Session], where: str) -> None:
    stage = {
        "teacher": lambda: setting(teacher=LONG),
        "evaluation": lambda: setting(net=Dozing, validation=6000),
        "pause": lambda: setting(LONG),
        "seeds": lambda: setting(Budget(epochs=600, batch_size=16)),
    }[where]()
    session = sessions(stage, make("kd"), seeds=3)
    session.start() if where != "seeds" else session.run_remaining()
    if where == "teacher":
        until(session, lambda s: s.message.startswith("Training the teacher"))
    elif where == "seeds":
        until(session, lambda s: s.status == "seeds" and s.share > 0)
    else:
        until(session, lambda s: s.status == "running")
    if where == "pause":
        session.pause()
        until(session, lambda s: s.status == "paused")
    assert stopped_within(session) < LATENCY


def test_pause_and_step_act_on_the_teacher_while_it_trains(sessions: Callable[..., Session]) -> None:
    session = sessions(setting(teacher=LONG), make("kd"))
    session.start()
    until(session, lambda s: s.message.startswith("Training the teacher"))
    session.pause()
    held = until(session, lambda s: s.status == "paused")
    session.step()
    stepped = until(session, lambda s: s.share != held.share)
    assert stepped.share == pytest.approx(held.share + 1 / (LONG.epochs * 5))


def test_a_moved_control_is_marked_kept_with_the_run_and_bars_it_from_the_study(
    sessions: Callable[..., Session],
) -> None:
    session = sessions(setting(Budget(epochs=60, batch_size=16)), make("kd"))
    session.start()
    until(session, lambda s: s.status == "running")
    session.pause()
    held = until(session, lambda s: s.status == "paused")
    session.change("temperature", 6.0)
    session.resume()
    done = session.wait(PATIENCE)
    step = held.lanes[0].step + 1
    assert done.marks == ((step, "temperature \u2192 6"),)
    run = done.runs["student"]
    assert [(c["step"], c["name"], c["value"]) for c in run.changes] == [(step, "temperature", 6.0)]
    assert "-live-" in run.id
    assert done.study is None
    assert done.runs["control"].changes == ()


def test_a_control_moved_between_runs_is_just_another_method(sessions: Callable[..., Session]) -> None:
    session = sessions(setting(), make("kd"))
    session.change("temperature", 6.0)
    session.start()
    run = session.wait(PATIENCE).runs["student"]
    assert run.method["config"]["temperature"] == 6.0
    assert run.changes == ()


def test_values_that_are_not_allowed_are_refused(sessions: Callable[..., Session]) -> None:
    session = sessions(setting(), make("kd"))
    with pytest.raises(ValueError, match="outside"):
        session.change("temperature", 99.0)
    with pytest.raises(KeyError, match="no parameter 'temprature'"):
        session.change("temprature", 4.0)


class Slow(MLP):
    """Takes its time over every batch it learns on."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.training:
            time.sleep(0.01)
        return super().forward(inputs)


def test_the_seconds_of_a_run_are_its_own(sessions: Callable[..., Session]) -> None:
    session = sessions(setting(net=Slow), make("kd"))
    began = time.monotonic()
    session.start()
    until(session, lambda s: s.status == "running")
    session.pause()
    until(session, lambda s: s.status == "paused")
    time.sleep(0.5)
    session.resume()
    done = session.wait(PATIENCE)
    took = time.monotonic() - began
    student, control = (done.runs[lane].facts["seconds"] for lane in ("student", "control"))
    assert min(student, control) > 20 * 0.01
    assert student + control < took - 0.5


# --- what goes wrong -----------------------------------------------------------------------------------------------
def missing_data() -> Setting:
    raise FileNotFoundError("no archive here")


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (lambda: setting(Budget(epochs=4, batch_size=16, learning_rate=1e30)), r"loss term .* at step \d+"),
        (missing_data, "FileNotFoundError: no archive here"),
    ],
)
def test_an_error_is_one_clear_line_and_the_session_lives_on(
    sessions: Callable[..., Session], fault: Callable[[], Setting], line: str
) -> None:
    session = sessions(fault, make("kd"))
    for _ in range(2):
        session.start()
        failed = session.wait(PATIENCE)
        assert failed.status == "failed"
        assert re.fullmatch(f".*{line}.*", failed.message), failed.message


# --- company -------------------------------------------------------------------------------------------------------
def test_two_sessions_at_once_do_not_mix_their_random_numbers(sessions: Callable[..., Session]) -> None:
    stages = [setting(), setting(Budget(epochs=6, batch_size=8, learning_rate=0.1))]
    pair = [sessions(stage, make("kd")) for stage in stages]
    for session in pair:
        session.start()
    for session, stage in zip(pair, stages, strict=True):
        assert same(session.wait(PATIENCE).runs["student"], alone(stage, "kd"))


def test_a_start_is_heard_while_the_end_of_the_run_before_is_still_being_drawn(
    sessions: Callable[..., Session],
) -> None:
    session, heard = sessions(setting(), make("kd"), seeds=2), []

    def press_at_once(snapshot: Snapshot) -> None:
        if snapshot.status == "finished" and not heard:
            heard.append(snapshot)
            session.run_remaining()

    session.subscribe(press_at_once)
    session.start()
    until(session, lambda s: s.study is not None and len(s.study.arms["kd"].seeds) == 2)


def test_a_view_that_fails_is_heard_of_and_does_not_stop_the_run(
    sessions: Callable[..., Session], caplog: pytest.LogCaptureFixture
) -> None:
    session, told = sessions(setting(), make("kd")), []
    session.subscribe(lambda snapshot: told.append(1 / 0))
    session.subscribe(told.append)
    session.start()
    assert session.wait(PATIENCE).status == "finished"
    assert told[-1] is session.snapshot
    assert "a view of the session failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_second_start_while_busy_does_nothing_and_a_subscriber_can_leave(sessions: Callable[..., Session]) -> None:
    session, told = sessions(setting(LONG), make("kd")), []
    leave = session.subscribe(told.append)
    session.start()
    until(session, lambda s: s.status == "running")
    session.start()
    session.run_remaining()
    leave()
    leave()
    count = len(told)
    stopped_within(session)
    assert len(told) == count
