"""Peers: the formula, the symmetry, and peace once both agree."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.ensembles.deep_mutual_learning import DeepMutualLearning

FIRST = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
SECOND = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = [0, 2, -1]


def formula(student, constants):
    def own(k):
        return [cross_entropy(s, y) for s, y in zip(student[k]["logits"], LABELS, strict=True)]

    def from_peer(k):
        pairs = zip(student[k]["logits"], constants.student[1 - k]["logits"], strict=True)
        return [1 * kl(softmax(peer), softmax(s)) for s, peer in pairs]

    return {"labels": own(0), "mimic": from_peer(0), "peer_1.labels": own(1), "peer_1.mimic": from_peer(1)}


PLAN = (("distill", "student", None, 1.0),)
ORACLES = [Case("two students", DeepMutualLearning, (FIRST, SECOND), None, batch(LABELS), formula, PLAN)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_students_may_change_places():
    one, other = (DeepMutualLearning()(pair, None, batch(LABELS)) for pair in ((FIRST, SECOND), (SECOND, FIRST)))
    for name in ("labels", "mimic"):
        torch.testing.assert_close(one[name], other[f"peer_1.{name}"])
        torch.testing.assert_close(one[f"peer_1.{name}"], other[name])


def test_students_that_agree_teach_each_other_nothing():
    terms = DeepMutualLearning()((FIRST, FIRST), None, batch(LABELS))
    torch.testing.assert_close(terms["mimic"], torch.zeros(3, dtype=torch.float64))


def test_each_student_answers_for_its_own_terms():
    models = {"student": torch.nn.Linear(2, 2), "peer_1": torch.nn.Linear(2, 2)}
    players = DeepMutualLearning().players(models)
    names = ["labels", "mimic", "peer_1.labels", "peer_1.mimic"]
    assert [n for n in names if players["student"].terms(n)] == names[:2]
    assert [n for n in names if players["peer_1"].terms(n)] == names[2:]
