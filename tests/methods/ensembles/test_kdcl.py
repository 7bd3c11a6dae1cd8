"""The ensemble of students: both targets' formula, and what they promise."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.ensembles.kdcl import KDCL, _best, _least

FIRST = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
SECOND = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = [0, 2, -1]
PLAN = (("distill", "student", None, 1.0),)


def min_logit(rows, label):
    return [min(row[c] - row[label] for row in rows) for c in range(3)]


def naive(rows, label):
    return min(rows, key=lambda row: cross_entropy(row, label))


def formula(target_of):
    def terms(student, constants):
        targets = []
        for rows, y in zip(zip(*(one["logits"] for one in constants.student), strict=True), LABELS, strict=True):
            targets.append(target_of(rows, y if y >= 0 else int(np.argmax(sum(rows)))))
        found = {}
        for prefix, one in zip(("", "peer_1."), student, strict=True):
            pairs = zip(one["logits"], targets, strict=True)
            found[f"{prefix}mimic"] = [4 * kl(softmax(t, 2), softmax(s, 2)) for s, t in pairs]
            found[f"{prefix}labels"] = [cross_entropy(s, y) for s, y in zip(one["logits"], LABELS, strict=True)]
        return found

    return terms


ORACLES = [
    Case("the least logits", KDCL, (FIRST, SECOND), None, batch(LABELS), formula(min_logit), PLAN),
    Case(
        "the best student", partial(KDCL, ensemble="naive"), (FIRST, SECOND), None, batch(LABELS), formula(naive), PLAN
    ),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_target_is_at_least_as_sure_of_the_label_as_the_surest_student():
    said, right = torch.randn(3, 50, 5), torch.randint(5, (50,))
    sure = [
        torch.softmax(logits, -1).gather(-1, right[:, None]).squeeze(-1)
        for logits in (_least(said, right), _best(said, right))
    ]
    students = torch.softmax(said, 2).gather(2, right[None, :, None].expand(3, -1, 1)).squeeze(2).amax(0)
    assert (sure[0] >= students - 1e-6).all()
    torch.testing.assert_close(sure[1], students)


@pytest.mark.parametrize("ensemble", ["min_logit", "naive"])
def test_students_that_agree_teach_each_other_nothing(ensemble):
    terms = KDCL(ensemble=ensemble)((FIRST, FIRST), None, batch(LABELS))
    torch.testing.assert_close(terms["mimic"], torch.zeros(3, dtype=torch.float64), atol=1e-12, rtol=0)
