"""Examples of confusions."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np

from tests.examples import HOSTILE, outputs
from workbench.diagnostics.confusion import measure_numbers as confusion_numbers
from workbench.diagnostics.confusion.measure import Confusion, confusion


def _quick(*arguments: object, **options: object) -> Confusion:
    with patch.object(confusion_numbers, "RESAMPLES", 40):
        return confusion(*arguments, **options)


def results() -> list[Confusion]:
    student, teacher, labels = outputs(classes=4, samples=120)
    return [_quick(student, teacher, labels, second_teacher=teacher)]


def incomplete() -> list[Confusion]:
    student, teacher, labels = outputs(classes=3, samples=40)
    never_wrong = 9 * np.eye(3)[labels]
    return [
        _quick(never_wrong, teacher, labels),
        _quick(student, np.zeros((40, 3)), labels),
        _quick(student, teacher, np.zeros(40, int), mode="paper"),
    ]


def hostile() -> list[Confusion]:
    return [_quick(*outputs(classes=3, samples=60), class_names=(HOSTILE, "b", "c"))]
