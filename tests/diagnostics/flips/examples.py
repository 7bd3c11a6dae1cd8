"""Examples of flips."""

from __future__ import annotations

from tests.examples import HOSTILE, outputs
from workbench.diagnostics.flips.measure import Flips, flips


def results() -> list[Flips]:
    student, teacher, labels = outputs()
    baseline = outputs(seed=3)[0] + student
    return [flips(student, baseline, labels, teacher_logits=teacher, against="labels only")]


def incomplete() -> list[Flips]:
    """Nothing flips, and nothing is wrong."""
    return [flips([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]], [0, 1])]


def hostile() -> list[Flips]:
    student, teacher, labels = outputs()
    names = (HOSTILE, *map(str, range(1, 10)))
    return [flips(student, teacher, labels, against=HOSTILE, class_names=names)]
