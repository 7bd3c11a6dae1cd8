"""Examples of inherited errors."""

from __future__ import annotations

from tests.examples import HOSTILE, outputs
from workbench.diagnostics.inherited_errors.measure import InheritedErrors, inherited_errors


def results() -> list[InheritedErrors]:
    student, teacher, labels = outputs()
    noisy = student + outputs(seed=3)[0]
    return [inherited_errors(student, teacher, labels, {"labels only": noisy, "permuted targets": noisy[::-1]})]


def incomplete() -> list[InheritedErrors]:
    """A teacher without errors, and a student alone."""
    student, teacher, labels = outputs()
    right = teacher.argmax(axis=1)
    return [inherited_errors(student, teacher, right, {"alone": student}), inherited_errors(student, teacher, labels)]


def hostile() -> list[InheritedErrors]:
    student, teacher, labels = outputs()
    return [inherited_errors(student, teacher, labels, {HOSTILE: student[::-1]})]
