"""The findings about agreement: each runs at a tiny budget, and its outcome follows its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests import examples
from tests.findings.test_shapes import _consistent
from workbench.findings import fidelity_and_data, random_control
from workbench.records.budget import Budget

TINY = Budget(epochs=1, clip=5.0)


@pytest.mark.slow
def test_fidelity_and_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fidelity_and_data, "TEACHER", TINY)
    monkeypatch.setattr(fidelity_and_data, "STEPS", 12)
    monkeypatch.setattr(fidelity_and_data, "FURTHER", (0, 300))
    told: list[str] = []
    found = fidelity_and_data.find((0, 1), lambda share, words: told.append(words))
    _consistent(found, 2)
    assert found.outcome == "inconclusive"  # two seeds decide nothing
    assert told == ["100 inputs", "400 inputs"]
    each = found.per_seed
    rise = np.subtract(each["agreement with 400 inputs (%)"], each["agreement with 100 inputs (%)"])
    assert each["agreement, most inputs minus fewest (points)"] == pytest.approx(rise)


@pytest.mark.parametrize(
    ("last", "outcome"),
    [
        ([95.0, 95.1, 95.2], "reproduced"),
        ([90.2, 90.1, 90.3], "not reproduced"),
        ([90.5, 95.0, 92.0], "inconclusive"),
    ],
)
def test_more_agreement_than_accuracy_is_what_counts(last: Any, outcome: str) -> None:
    accurate, apart, taught = np.full((4, 3), 80.0), np.zeros((4, 3)), np.full(3, 85.0)
    accurate[-1] += 0.5 + 0.01 * np.arange(3)
    agreed = np.array([[90.0] * 3, [91.0] * 3, [92.0] * 3, last])
    assert fidelity_and_data._finding(agreed, accurate, apart, taught, (0, 1, 2)).outcome == outcome


def test_every_size_has_as_many_steps() -> None:
    for further in fidelity_and_data.FURTHER:
        setting = fidelity_and_data._setting(further)
        steps = setting.budget.epochs * len(setting.train) / setting.budget.batch_size
        assert steps == pytest.approx(fidelity_and_data.STEPS, rel=0.02)
        assert (setting.train.labels >= 0).sum() == 90
        assert setting.validation.ids.tolist() == fidelity_and_data._setting(0).validation.ids.tolist()


@pytest.mark.slow
def test_random_control(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_control, "BUDGET", TINY)
    found = random_control.find((0,))
    _consistent(found, 1)
    assert found.outcome == "inconclusive"
    assert len(found.numbers) == 1 + 2 * 4 + 3 * 3


def numbers(wrong: Any, right: Any, random: Any) -> dict[str, list[float]]:
    made = {
        f"{name} follows where the teacher is wrong (points)": [50.0] * 3 for name in ("KD", *random_control.CONTROLS)
    }
    gains = (wrong, right, [w - r for w, r in zip(wrong, right, strict=True)])
    made |= {f"{what} over independent (points)": v for what, v in zip(random_control.GAINS, gains, strict=True)}
    return made | {f"{random_control.GAINS[0]} over random control (points)": random}


@pytest.mark.parametrize(
    ("wrong", "right", "random", "outcome"),
    [
        ([9.0, 10.0, 11.0], [1.0, 1.1, 0.9], [30.0, 31.0, 32.0], "reproduced"),
        ([9.0, 10.0, 11.0], [14.0, 15.1, 16.9], [30.0, 31.0, 32.0], "not reproduced"),
        ([9.0, 10.0, 11.0], [1.0, 1.1, 0.9], [-30.0, 31.0, 32.0], "inconclusive"),
    ],
)
def test_the_outcome_follows_its_three_parts(wrong: Any, right: Any, random: Any, outcome: str) -> None:
    assert random_control._finding(numbers(wrong, right, random), (0, 1, 2)).outcome == outcome


def test_gains_are_counted_on_the_samples_themselves() -> None:
    """The teacher is wrong on 0 and 1; KD follows it on both, the independent student on neither."""
    eye, labels = np.eye(2), np.array([0, 0, 0, 1])
    teacher = eye[[1, 1, 0, 1]]

    def run(said: list[int]) -> Any:
        predictions = {"student": eye[said], "teacher": teacher}
        return examples.run(classes=2, predictions=predictions, test_ids=np.arange(4), test_labels=labels)

    runs = {"KD": run([1, 1, 0, 1])} | {name: run([0, 0, 0, 0]) for name in random_control.CONTROLS}
    found = random_control._measured(runs)
    assert found["teacher's errors"] == 0.5
    assert found["KD follows where the teacher is wrong"] == 1
    assert found["independent follows where the teacher is right"] == 0.5
    assert found["asymmetry over independent"] == pytest.approx(1 - 0.5)
