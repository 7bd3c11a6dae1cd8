"""Smoothed labels: the formula, and the single cross-entropy that the pair of losses adds up to."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy
from workbench.methods.selftaught.label_smoothing import LabelSmoothing
from workbench.methods.selftaught.labels_only import LabelsOnly
from workbench.records.batch import Batch
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
LABELS = [0, 2, 1]


def formula(student, constants):
    rows = student["logits"]
    return {
        "labels": [0.9 * cross_entropy(s, y) for s, y in zip(rows, LABELS, strict=True)],
        "reg_uniform": [0.1 * sum(cross_entropy(s, k) / 3 for k in range(3)) for s in rows],
    }


PLAN = (("distill", "student", None, 1.0),)
ORACLES = [Case("three samples", LabelSmoothing, STUDENT, None, batch(LABELS), formula, PLAN)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_pair_adds_up_to_the_cross_entropy_with_smoothed_labels():
    terms = LabelSmoothing(epsilon=0.3)(STUDENT, None, batch(LABELS))
    whole = F.cross_entropy(STUDENT.logits, torch.tensor(LABELS), reduction="none", label_smoothing=0.3)
    torch.testing.assert_close(terms["labels"] + terms["reg_uniform"], whole)


def test_without_smoothing_it_is_the_labels_alone():
    terms = LabelSmoothing(epsilon=0.0)(STUDENT, None, batch(LABELS))
    torch.testing.assert_close(terms["labels"], LabelsOnly()(STUDENT, None, batch(LABELS))["labels"])
    assert terms["reg_uniform"].tolist() == [0, 0, 0]


def test_fitted_students_get_smoothed_labels():
    targets, weights = LabelSmoothing(epsilon=0.3).targets(Trace(torch.zeros(2, 3)), batch([1, -1]))
    torch.testing.assert_close(targets[0], torch.tensor([0.1, 0.8, 0.1]))
    assert weights.tolist() == [1, 0]
    _, none = LabelSmoothing().targets(Trace(torch.zeros(2, 3)), Batch(torch.arange(2), torch.zeros(2, 1)))
    assert none.tolist() == [0, 0]
