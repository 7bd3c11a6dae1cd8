"""Logit regression: the formula, with and without labels, its limit of kd, and that it sees the scale."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy
from workbench.methods.logits.kd import KD
from workbench.methods.logits.logit_regression import LogitRegression
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = [0, -1, 2]


def formula(label_weight):
    def at(student, constants):
        pairs = list(zip(student["logits"], constants.teacher["logits"], strict=True))
        return {
            "labels": [label_weight * cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)],
            "logits": [sum((s[c] - t[c]) ** 2 for c in range(3)) / 3 for s, t in pairs],
        }

    return at


def with_labels(**parameters):
    return LogitRegression(**({"label_weight": 0.5} | parameters))


ORACLES = [
    Case("no labels", LogitRegression, STUDENT, TEACHER, batch(LABELS), formula(0.0)),
    Case("and labels", with_labels, STUDENT, TEACHER, batch(LABELS), formula(0.5)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_of_centred_logits_it_is_twice_kd_at_a_high_temperature():
    centred = [Trace(side.logits - side.logits.mean(1, keepdim=True)) for side in (STUDENT, TEACHER)]
    kd = KD(soft_weight=1.0)
    kd.temperature = 1000.0  # beyond what its constructor takes: a limit
    soft = kd(*centred, batch(LABELS))["soft"]
    torch.testing.assert_close(2 * soft, LogitRegression()(*centred, batch(LABELS))["logits"], rtol=2e-3, atol=0)


def test_unlike_kd_it_sees_a_number_added_to_all_logits():
    shifted = LogitRegression()(TEACHER, Trace(TEACHER.logits + 2.0), batch(LABELS))["logits"]
    torch.testing.assert_close(shifted, torch.full((3,), 2.0**2, dtype=torch.float64))
