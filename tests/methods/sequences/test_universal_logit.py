"""Sorted probabilities where both models have read the same text, whatever their vocabularies."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, check, trace
from tests.methods.literal import cross_entropy, softmax
from tests.methods.sequences.board import BATCH, COUNTED, LABELS, STUDENT, built
from workbench.methods.sequences.universal_logit import UniversalLogit
from workbench.records.trace import Trace

TEACHER = trace(
    [
        [[-0.5, 0.4, 2.1, 0.3], [0.1, 1.7, -1.1, 0.6], [2.2, -1.0, 0.3, 0.2]],
        [[1.9, -0.6, 0.2, -0.4], [-0.2, 0.8, 0.5, 1.6], [0.6, 2.4, -0.1, -1.2]],
        [[0.4, 1.2, -1.3, 0.9], [1.0, 0.3, -0.8, 0.1], [-1.5, 0.2, 0.7, 0.5]],
    ]
)
PARTNER = [[0, 2, 1], [1, -1, 0], [2, 1, 0]]  # the teacher's position of each of the student's
ALIGNED = BATCH.but(alignment=torch.tensor(PARTNER), extras={"teacher_labels": BATCH.labels})


def formula(student, constants):
    soft, labels = [], []
    for b in range(3):
        found, missed = [], []
        for k in range(3):
            s = student["logits"][b][k]
            if COUNTED[b][k] and PARTNER[b][k] >= 0:
                q = [*sorted(softmax(s), reverse=True), 0.0]
                p = sorted(softmax(constants.teacher["logits"][b][PARTNER[b][k]]), reverse=True)
                found.append(sum(abs(x - y) for x, y in zip(q, p, strict=True)))
            if LABELS[b][k] >= 0:
                missed.append(cross_entropy(s, LABELS[b][k]))
        soft.append(1.5 * sum(found) / max(len(found), 1))
        labels.append(1 * sum(missed) / max(len(missed), 1))
    return {"soft": soft, "labels": labels}


ORACLES = [Case("two vocabularies", built(UniversalLogit), STUDENT, TEACHER, ALIGNED, formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_a_student_of_more_tokens_than_its_teacher_is_filled_up_on_the_other_side():
    method, unlabelled = UniversalLogit(), ALIGNED.but(labels=None, alignment=None)
    found = method(STUDENT, TEACHER, unlabelled)["soft"]
    torch.testing.assert_close(method(TEACHER, STUDENT, unlabelled)["soft"], found)


def test_what_the_tokens_are_does_not_matter():
    """Each side's vocabulary may be numbered in its own way."""
    mixed = Trace(TEACHER.logits[..., [3, 1, 0, 2]])
    torch.testing.assert_close(UniversalLogit()(STUDENT, mixed, ALIGNED), UniversalLogit()(STUDENT, TEACHER, ALIGNED))
