"""The target between student and teacher: its formula, how its share rises, and both ends."""

from __future__ import annotations

import math

import pytest
import torch

from tests.methods.case import Case, check
from tests.methods.literal import cross_entropy, kl, softmax
from tests.methods.sequences.board import BATCH, COUNTED, LABELS, STUDENT, TEACHER, built
from workbench.methods.sequences.taid import TAID
from workbench.methods.sequences.word_level_kd import WordLevelKD
from workbench.records.trace import Trace

LATER = Trace(0.8 * STUDENT.logits + 0.2 * TEACHER.logits)  # where the student stands after a step


def divergence(s, t, held, share):
    """Mean over texts of the mean over tokens from the softmaxed mixture of logits."""
    texts = []
    for b, counted in enumerate(COUNTED):
        found = []
        for k in range(3):
            target = softmax([(1 - share) * x + share * y for x, y in zip(held[b][k], t[b][k], strict=True)])
            if counted[k]:
                found.append(kl(target, softmax(s[b][k])))
        texts.append(sum(found) / max(len(found), 1))
    return texts


def formula(share, label_weight=0.0):
    def at(student, constants):
        labels = []
        for s, ys in zip(student["logits"], LABELS, strict=True):
            missed = [cross_entropy(s[k], ys[k]) for k in range(3) if ys[k] >= 0]
            labels.append(label_weight * sum(missed) / max(len(missed), 1))
        soft = divergence(student["logits"], constants.teacher["logits"], constants.student["logits"], share)
        return {"soft": [1 * x for x in soft], "labels": labels}

    return at


def at_progress(progress, **given):
    def make(**changes):
        method = built(TAID, **given)(**changes)
        method.schedule(progress)
        return method

    return make


def after_two_steps(**changes):
    """At the very beginning, so that what was reached is more than what is due."""
    method = built(TAID)(**changes)
    for student in (STUDENT, LATER):
        method.schedule(0.0)
        method(student, TEACHER, BATCH)
        method.after_step(None, BATCH)
    return method


def reached():
    """The share after these two steps, number by number."""
    losses = []
    for student in (STUDENT, LATER):
        logits = student.logits.numpy()
        losses.append(sum(divergence(logits, TEACHER.logits.numpy(), logits, 0.4)) / 3)
    trend = 0.01 * (losses[0] - losses[1]) / losses[0]
    return 0.4 + 0.0005 / (1 + math.exp(-trend)) * 0.6


ORACLES = [
    Case("half-way", at_progress(0.5, label_weight=0.7), STUDENT, TEACHER, BATCH, formula(0.7, 0.7)),
    Case("three quarters", at_progress(0.75), STUDENT, TEACHER, BATCH, formula(0.85)),
    Case("ahead of the run", after_two_steps, STUDENT, TEACHER, BATCH, formula(reached())),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_a_share_of_1_is_word_level_distillation_and_one_of_0_asks_for_nothing():
    whole, nothing = at_progress(0.0, start=1.0)(), at_progress(0.0, start=0.0)()
    torch.testing.assert_close(whole(STUDENT, TEACHER, BATCH), built(WordLevelKD)()(STUDENT, TEACHER, BATCH))
    assert nothing(STUDENT, TEACHER, BATCH)["soft"].abs().max() < 1e-12


def test_the_share_rises_faster_while_the_loss_falls_and_never_beyond_its_end():
    def played(students):
        method = built(TAID, rate=0.5, momentum=0.0, start=0.1, end=0.6)()
        shares = []
        for student in students:
            method(student, TEACHER, BATCH)
            method.after_step(None, BATCH)
            shares.append(method.share().item())
        return shares

    better, worse = played([STUDENT, LATER]), played([LATER, STUDENT])
    assert better[0] == worse[0] == pytest.approx(0.1), "the first step has nothing to compare with"
    assert better[1] > worse[1] > 0.1
    assert played([STUDENT] * 20)[-1] == pytest.approx(0.6)


def test_a_weight_of_0_does_not_spoil_the_share():
    method = built(TAID, soft_weight=0.0)()
    for _ in range(2):
        method(STUDENT, TEACHER, BATCH)
        method.after_step(None, BATCH)
    assert method.share().isfinite()
