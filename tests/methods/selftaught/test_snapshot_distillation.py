"""Snapshots: the formula with and without one, who is copied when."""

from __future__ import annotations

import pytest
import torch

from tests.contracts.probes.world import play, same, setting, start, weights
from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.selftaught.snapshot_distillation import SnapshotDistillation
from workbench.records import events
from workbench.records.budget import Budget

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
SNAPSHOT = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = [0, -1, 2]
PLAN = (
    ("cycle_1", "student", None, 0.25),
    ("snapshot_1", "snapshot_1", None, 0.0),
    ("cycle_2", "student", "snapshot_1", 0.25),
    ("snapshot_2", "snapshot_2", None, 0.0),
    ("cycle_3", "student", "snapshot_2", 0.25),
    ("snapshot_3", "snapshot_3", None, 0.0),
    ("cycle_4", "student", "snapshot_3", 0.25),
)


def labels(student, weight=1.0):
    return [weight * cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]


def first(student, constants):
    return {"labels": labels(student)}


def later(student, constants):
    pairs = zip(student["logits"], constants.teacher["logits"], strict=True)
    return {"labels": labels(student, 4 / 3), "soft": [1 * kl(softmax(t, 3), softmax(s)) for s, t in pairs]}


ORACLES = [
    Case("a later cycle", SnapshotDistillation, STUDENT, SNAPSHOT, batch(LABELS), later, PLAN),
    Case("the first cycle", SnapshotDistillation, STUDENT, None, batch(LABELS), first, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_each_snapshot_is_the_student_at_the_end_of_its_cycle_and_stays_as_it_is():
    arm, ends, taught = start(setting(), SnapshotDistillation(cycles=3), Budget(6, 16, learning_rate=0.05)), {}, []
    for event in play(arm):
        if isinstance(event, events.Step):
            ends[event.stage] = weights(arm.trial.parties["student"])
            taught.append("soft" in event.terms)
    assert same(weights(arm.trial.parties["snapshot_1"]), ends["cycle_1"])
    assert same(weights(arm.trial.parties["snapshot_2"]), ends["cycle_2"])
    assert taught == [False] * 12 + [True] * 24
    assert arm.trial.done["student"] == 36, "one budget for all cycles"


def test_softening_the_snapshot_asks_the_student_to_be_less_sure():
    agreed, sharp = torch.eye(3, dtype=torch.float64) * 4, torch.eye(3, dtype=torch.float64) * 12
    method, one = SnapshotDistillation(), batch(LABELS)
    at_half, at_whole = (method(trace(s.tolist()), trace(sharp.tolist()), one)["soft"] for s in (agreed, sharp))
    torch.testing.assert_close(at_half, torch.zeros(3, dtype=torch.float64))
    assert (at_whole > 0.01).all()
