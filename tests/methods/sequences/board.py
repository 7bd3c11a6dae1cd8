"""Three short texts on a board: what student and teacher expect at each position, and the sum written out."""

from __future__ import annotations

import torch
from torch import nn

from tests.methods.case import Case, trace
from tests.methods.literal import cross_entropy, softmax
from workbench.records.batch import Batch
from workbench.records.plan import Facts

STUDENT = trace(
    [
        [[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]],
        [[0.0, 0.5, -0.9], [2.0, -0.3, 0.4], [1.1, 1.4, -1.6]],
        [[-0.8, 0.6, 0.2], [0.7, -1.1, 1.3], [0.9, 0.0, -0.5]],
    ]
)
TEACHER = trace(
    [
        [[-0.5, 0.4, 2.1], [0.1, 1.7, -1.1], [2.2, -1.0, 0.3]],
        [[1.9, -0.6, 0.2], [-0.2, 0.8, 0.5], [0.6, 2.4, -0.1]],
        [[0.4, 1.2, -1.3], [1.0, 0.3, -0.8], [-1.5, 0.2, 0.7]],
    ]
)
COUNTED = [[True, True, False], [False, True, True], [False, False, False]]  # of the last text nothing counts
LABELS = [[1, 2, -1], [-1, 0, 1], [-1, -1, -1]]
FACTS = Facts(samples=6, classes=3, steps=1000, epochs=10, task="tokens")
BATCH = Batch(torch.arange(3), torch.zeros(3, 1), torch.tensor(LABELS), mask=torch.tensor(COUNTED))


def formula(divergence, soft_weight=1.0, label_weight=0.0):
    """The terms of a method whose divergence of two distributions (student, teacher) is given in plain Python."""

    def at(student, constants):
        soft, labels = [], []
        for s, t, counted, ys in zip(student["logits"], constants.teacher["logits"], COUNTED, LABELS, strict=True):
            found = [divergence(softmax(s[k]), softmax(t[k])) for k in range(3) if counted[k]]
            missed = [cross_entropy(s[k], ys[k]) for k in range(3) if ys[k] >= 0]
            soft.append(soft_weight * sum(found) / max(len(found), 1))
            labels.append(label_weight * sum(missed) / max(len(missed), 1))
        return {"soft": soft, "labels": labels}

    return at


def built(method, **given):
    """Makes built methods of a class."""

    def make(**changes):
        made = method(**(given | changes))
        made.build(nn.Identity(), nn.Identity(), BATCH, FACTS)
        return made.double()

    return make


def cases(method, divergence, soft_weight=1.0, label_weight=0.0):
    """The method as it comes, and with labels that weigh something; ``divergence`` as in ``formula``."""
    labelled = built(method, label_weight=0.7)
    return [
        Case("as it comes", built(method), STUDENT, TEACHER, BATCH, formula(divergence, soft_weight, label_weight)),
        Case("with labels", labelled, STUDENT, TEACHER, BATCH, formula(divergence, soft_weight, 0.7)),
    ]
