"""Forward and reverse divergence by the shares of the error in the teacher's head and in the rest."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, check
from tests.methods.literal import cross_entropy, kl, softmax
from tests.methods.sequences.board import BATCH, COUNTED, LABELS, STUDENT, TEACHER, built
from workbench.methods.sequences.adaptive_kl import AdaptiveKL
from workbench.records.batch import Batch
from workbench.records.trace import Trace


def share_of_the_head(q, p, head=0.5):
    """Walks down the teacher's ranking until the head is full."""
    ranking = sorted(range(len(p)), key=lambda token: -p[token])
    gaps, kept, used = [abs(a - b) for a, b in zip(p, q, strict=True)], 0.0, 0.0
    for place, token in enumerate(ranking):
        used += p[token]
        if used > head and place > 0:
            break
        kept += gaps[token]
    return kept / sum(gaps)


def formula(label_weight):
    def at(student, constants):
        soft, labels = [], []
        for b, counted in enumerate(COUNTED):
            found, missed = [], []
            for k in range(3):
                q, p = softmax(student["logits"][b][k]), softmax(constants.teacher["logits"][b][k])
                share = share_of_the_head(softmax(constants.student["logits"][b][k]), p)
                if counted[k]:
                    found.append(share * kl(p, q) + (1 - share) * kl(q, p))
                if LABELS[b][k] >= 0:
                    missed.append(cross_entropy(student["logits"][b][k], LABELS[b][k]))
            soft.append(sum(found) / max(len(found), 1))
            labels.append(label_weight * sum(missed) / max(len(missed), 1))
        return {"soft": soft, "labels": labels}

    return at


def flat_teacher():
    """A teacher whose two likeliest tokens have a little less than half of the probability, so that the head matters."""
    logits = TEACHER.logits.clone()
    logits[0, 0] = torch.tensor([0.26, 0.49, 0.25]).log()
    return Trace(logits)


ORACLES = [
    Case("as it comes", built(AdaptiveKL), STUDENT, flat_teacher(), BATCH, formula(0.0)),
    Case("with labels", built(AdaptiveKL, label_weight=0.7), STUDENT, TEACHER, BATCH, formula(0.7)),
]
VISIBLE = {"head": 0.8}


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_numbering_of_the_vocabulary_changes_nothing():
    """In one public reimplementation the head of the sorted vocabulary is applied to the unsorted one."""
    order = torch.tensor([2, 0, 1])
    bare = BATCH.but(labels=None)
    turned = AdaptiveKL()(Trace(STUDENT.logits[..., order]), Trace(TEACHER.logits[..., order]), bare)
    torch.testing.assert_close(turned, AdaptiveKL()(STUDENT, TEACHER, bare))


def test_an_error_in_the_head_is_mended_by_the_forward_divergence_and_one_in_the_tail_by_the_reverse_one():
    """Half of the head's token is missing; or the head is right and two tokens of the tail are mixed up."""
    teacher = [0.5, 0.3, 0.15, 0.05]
    batch = Batch(torch.arange(1), torch.zeros(1, 1))
    for student, forward in (([0.5, 0.15, 0.3, 0.05], 0.0), ([0.4, 0.3, 0.25, 0.05], 0.5)):
        s, t = (Trace(torch.tensor([[row]], dtype=torch.float64).log()) for row in (student, teacher))
        expected = forward * kl(teacher, student) + (1 - forward) * kl(student, teacher)
        assert AdaptiveKL()(s, t, batch)["soft"].item() == pytest.approx(expected)
