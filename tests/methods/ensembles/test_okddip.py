"""Diverse peers: the formula with its attention and ramp, gradients through the targets, and a leader that teaches nobody."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, dot, kl, softmax
from workbench.methods.ensembles.okddip import OKDDip
from workbench.models.mlp import MLP
from workbench.records.batch import Batch

TOP = "classifier:input"
FEATURES = [
    [[0.9, 0.1], [0.3, -0.2]],
    [[0.5, -1.0], [0.8, 0.3]],
    [[1.2, 0.4], [-0.6, 0.7]],
    [[-0.3, 0.6], [0.2, 1.1]],
]
LOGITS = [
    [[0.3, -1.2, 0.8], [1.5, 0.2, -0.7]],
    [[2.1, -0.5, 0.4], [0.1, 1.7, -1.1]],
    [[-0.4, 0.9, 0.1], [-1.0, 0.3, 2.2]],
    [[0.6, 1.4, -0.9], [0.7, -0.8, 0.5]],
]
GROUP = tuple(trace(logits, **{TOP: features}) for logits, features in zip(LOGITS, FEATURES, strict=True))
LABELS = [1, -1]
QUERY, KEY = [0.7, -0.4], [0.5, 1.3]
PLAN = (("distill", "student", None, 1.0),)
HALF = math.exp(-5 / 4)


def make(progress, **parameters):
    method = OKDDip(**parameters)
    method.student_layers = (TOP,)
    method.query, method.key = nn.Linear(2, 1, bias=False), nn.Linear(2, 1, bias=False)
    for layer, weights in ((method.query, QUERY), (method.key, KEY)):
        layer.weight.data = torch.tensor([weights], dtype=torch.float64)
    method.schedule(progress)
    return method


def half_way(**parameters):
    return make(40 / 300, **parameters)


def at_the_end(**parameters):
    return make(0.9, **parameters)


def target_of(k, student, b):
    heeds = softmax([dot(QUERY, student[k][TOP][b]) * dot(KEY, student[j][TOP][b]) for j in (1, 2, 3)])
    return [sum(heeds[j - 1] * student[j]["logits"][b][c] for j in (1, 2, 3)) for c in range(3)]


def formula(ramp):
    def mimic(k, student, b):
        mean = [sum(student[j]["logits"][b][c] for j in (1, 2, 3)) / 3 for c in range(3)]
        target = target_of(k, student, b) if k else mean
        return ramp * 9 * kl(softmax(target, 3), softmax(student[k]["logits"][b], 3))

    def terms(student, constants):
        found = {}
        for k, prefix in enumerate(("", "peer_1.", "peer_2.", "peer_3.")):
            found[f"{prefix}labels"] = [cross_entropy(student[k]["logits"][b], LABELS[b]) for b in range(2)]
            found[f"{prefix}mimic"] = [mimic(k, student, b) for b in range(2)]
        return found

    return terms


ORACLES = [
    Case("half way up the ramp", half_way, GROUP, None, batch(LABELS), formula(HALF), PLAN),
    Case("at the end", at_the_end, GROUP, None, batch(LABELS), formula(1), PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_ramp_rises_from_almost_nothing():
    mimics = [make(progress)(GROUP, None, batch(LABELS))["mimic"].mean().item() for progress in (0, 0.1, 0.2, 0.3, 1)]
    assert mimics == sorted(mimics)
    assert mimics[0] == pytest.approx(math.exp(-5) * mimics[-1])
    assert mimics[-2] == mimics[-1]


def test_the_leader_teaches_nobody():
    other = (trace([[9.0, -9.0, 0.0], [0.0, 3.0, -3.0]], **{TOP: FEATURES[3]}), *GROUP[1:])
    one, two = (at_the_end()(group, None, batch(LABELS)) for group in (GROUP, other))
    for name in one:
        assert torch.equal(one[name], two[name]) == name.startswith("peer_")


def test_peers_have_different_targets_and_agree_only_if_they_say_the_same():
    targets = [
        target_of(k, [{"logits": s, TOP: f} for s, f in zip(LOGITS, FEATURES, strict=True)], 0) for k in (1, 2, 3)
    ]
    assert targets[0] != pytest.approx(targets[1], rel=1e-3)
    terms = at_the_end()((GROUP[0], *[GROUP[1]] * 3), None, batch(LABELS))
    torch.testing.assert_close(terms["peer_2.mimic"], torch.zeros(2, dtype=torch.float64))


def test_all_nets_and_projections_move_by_one_sum_of_terms():
    method, models = OKDDip(), {name: MLP(4, (16,), 3) for name in ("student", "peer_1", "peer_2", "peer_3")}
    method.build(models["student"], None, Batch(torch.arange(2), torch.zeros(2, 4)), FACTS)
    assert method.query.weight.shape == method.key.weight.shape == (2, 16)
    (player,) = method.players(models).values()
    assert player.terms is None
    assert len(list(player.parameters)) == 2 + 4 * 4
