"""Multi-label distillation: the formula, entries that are unknown, and its limit."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch

from tests.methods.case import Case, trace
from tests.methods.case import check as checked
from workbench.maths.divergences import binary_kl
from workbench.methods.logits.multilabel_kd import MultiLabelKD
from workbench.records.batch import Batch
from workbench.records.plan import Facts

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = torch.tensor([[1, 0, -1], [-1, -1, -1], [0, 1, 1]])
BATCH = Batch(torch.arange(3), torch.zeros(3, 1), LABELS)


def yes(logit, temperature=1.0):
    return 1 / (1 + math.exp(-logit / temperature))


def binary(p, q):
    return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


def formula(student, constants, temperature=1.0, soft_weight=10 / 64, label_weight=1.0):
    labels, soft = [], []
    for s, t, y in zip(student["logits"], constants.teacher["logits"], LABELS.tolist(), strict=True):
        losses = [-math.log(yes(a) if k else 1 - yes(a)) for a, k in zip(s, y, strict=True) if k >= 0]
        labels.append(label_weight * sum(losses) / max(len(losses), 1))
        gaps = [binary(yes(b, temperature), yes(a, temperature)) for a, b in zip(s, t, strict=True)]
        soft.append(soft_weight * temperature**2 * sum(gaps) / 3)
    return {"labels": labels, "soft": soft}


def built(**parameters):
    method = MultiLabelKD(**parameters)
    method.build(torch.nn.Identity(), torch.nn.Identity(), BATCH, Facts(6, 3, 1000, 10, "multilabel"))
    return method


OTHER = {"temperature": 3.0, "soft_weight": 2.0, "label_weight": 0.5}
ORACLES = [
    Case("as published", built, STUDENT, TEACHER, BATCH, formula),
    Case("softened", partial(built, **OTHER), STUDENT, TEACHER, BATCH, partial(formula, **OTHER)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    checked(case, case.make())


def test_at_a_high_temperature_it_compares_logits():
    soft = 1000.0**2 * binary_kl(STUDENT.logits, TEACHER.logits, 1000.0)
    torch.testing.assert_close(soft, (STUDENT.logits - TEACHER.logits).square() / 8, rtol=2e-3, atol=0)
