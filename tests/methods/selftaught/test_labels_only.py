"""The control: cross-entropy of the labels that exist."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy
from workbench.methods.selftaught.labels_only import LabelsOnly
from workbench.records.batch import Batch
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
LABELS = [0, 2, -1]


def formula(student, constants):
    return {"labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]}


PLAN = (("distill", "student", None, 1.0),)
ORACLES = [Case("three samples", LabelsOnly, STUDENT, None, batch(LABELS), formula, PLAN)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_it_trains_on_labelled_samples_only():
    assert [plan.data for plan in LabelsOnly().stages(FACTS)] == ["labelled"]


def test_equal_logits_cost_the_logarithm_of_the_number_of_classes():
    loss = LabelsOnly()(Trace(torch.full((3, 3), 5.0)), None, batch(LABELS))["labels"]
    torch.testing.assert_close(loss, torch.tensor([3.0, 3.0, 1.0]).log())


def test_fitted_students_get_the_labels_and_nothing_where_there_is_none():
    targets, weights = LabelsOnly().targets(Trace(torch.zeros(3, 3)), batch(LABELS))
    assert targets[:2].tolist() == [[1, 0, 0], [0, 0, 1]]
    assert weights.tolist() == [1, 1, 0]
    _, none = LabelsOnly().targets(Trace(torch.zeros(3, 3)), Batch(torch.arange(3), torch.zeros(3, 1)))
    assert none.tolist() == [0, 0, 0]
