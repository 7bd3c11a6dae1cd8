"""What a live session shows of a student: its history, with the loss terms averaged."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from workbench.engine.live.duet import LaneView
from workbench.engine.training.trial import History


def lane(steps: int) -> tuple[LaneView, SimpleNamespace]:
    trial = SimpleNamespace(history=History(), done={}, steps=steps)
    return LaneView("student", SimpleNamespace(method=SimpleNamespace(name="kd"), trial=trial)), trial


@pytest.mark.parametrize("looks", [(2500,), (1, 7, 1201, 1202, 2499, 2500)])
def test_terms_are_means_over_three_steps_however_often_one_looks(looks: tuple[int, ...]) -> None:
    view, trial = lane(2500)  # at most a thousand points
    values = np.random.default_rng(0).normal(size=2500)
    for step, value in enumerate(values, 1):
        trial.done["student"] = step
        trial.history.add("terms", step, {"soft": value})
        if step not in looks:
            continue
        shown = view.view().terms["soft"]
        expected = [(end, values[end - 3 : end].mean()) for end in range(3, step + 1, 3)]
        if step % 3 == 2 or not expected:  # half of the next mean is known, or there is no other
            begun = step - step % 3
            expected.append((step, values[begun:step].mean()))
        assert shown.steps.tolist() == [end for end, _ in expected]
        assert shown.values == pytest.approx([mean for _, mean in expected])


def test_what_other_parties_learn_is_not_shown() -> None:
    view, trial = lane(10)
    trial.history.add("assistant/terms", 1, {"soft": 1.0})
    trial.history.add("validation", 1, {"assistant": 1.0})
    assert view.view().terms == {}
    assert len(view.view().validation.steps) == 0


def test_nothing_is_shown_before_the_run_has_begun() -> None:
    view = LaneView("control", SimpleNamespace(method=SimpleNamespace(name="labels_only"), trial=None))
    assert (view.view().step, view.view().steps, view.view().terms) == (0, 0, {})
