"""Probabilities of one sample at a temperature."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests import examples
from workbench.diagnostics.soft_labels.measure import soft_labels, soft_labels_of


def test_the_formula_in_a_loop() -> None:
    found = soft_labels([1.0, 2.0, 4.0], [0.0, 8.0, 4.0], 2, temperature=4.0)
    for shown, logits in ((found.student, (1, 2, 4)), (found.teacher, (0, 8, 4))):
        powers = [math.exp(z / 4) for z in logits]
        assert shown.tolist() == pytest.approx([power / sum(powers) for power in powers])


def test_the_limits_of_the_temperature() -> None:
    hot, cold = (soft_labels([1.0, 2.0], [3.0, 0.0], 0, temperature=t) for t in (1e9, 1e-3))
    assert hot.student.tolist() == pytest.approx([0.5, 0.5])
    assert (cold.student.tolist(), cold.teacher.tolist()) == ([0, 1], [1, 0])


def test_a_sample_of_a_run_by_its_id() -> None:
    run = examples.run()
    found = soft_labels_of(run, 1007)
    assert found.student == pytest.approx(
        soft_labels(*(run.predictions[p][7] for p in ("student", "teacher")), 0).student
    )
    assert (found.id, found.label) == (1007, run.test_labels[7])
    with pytest.raises(KeyError, match="no test sample 5; it has 360"):
        soft_labels_of(run, 5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 0.0}, "must be positive"),
        ({"temperature": float("nan")}, "temperature = nan is not a float"),
        ({"label": 3}, "from 0 to 2, got 3"),
        ({"teacher_logits": np.zeros(2)}, "differ in shape"),
        ({"class_names": ["a"]}, "1 class names for 3 classes"),
    ],
)
def test_bad_input(change: dict[str, object], message: str) -> None:
    given = {"student_logits": np.zeros(3), "teacher_logits": np.zeros(3), "label": 0} | change
    with pytest.raises(ValueError, match=message):
        soft_labels(**given)
