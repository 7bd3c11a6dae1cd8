"""Factors: the formula of both stages, and a paraphraser that learns first and then stands still."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.contracts.probes.world import play, setting, start, weights
from tests.methods.case import FACTS, Case, batch, check
from tests.methods.features.board import LABELS, built, convolve, held, nets, rectify, scatter, traces
from tests.methods.literal import cross_entropy, unit
from workbench.methods.features.factor_transfer import FactorTransfer
from workbench.models.mlp import MLP
from workbench.records import events
from workbench.records.batch import Batch

VISIBLE = {"rate": 1.0}
STUDENT, TEACHER = traces(1, {"layer2": (2, 2, 3)})


def at(stage):
    def make(**parameters):
        method = built(FactorTransfer, **parameters)
        method.stage = stage
        return method

    return make


DRAWN = held(at("transfer")())


def through(name, features, layer):
    for part in (0, 2, 4):
        features = rectify(layer(features, DRAWN[f"{name}.{part}.weight"], DRAWN[f"{name}.{part}.bias"]), 0.1)
    return features


def labels(student):
    return [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]


def paraphrase(student, constants):
    told = constants.teacher["layer2"]
    back = through("decoder", through("encoder", told, convolve), scatter)
    gaps = [[abs(x - y) for x, y in zip(a.ravel(), b.ravel(), strict=True)] for a, b in zip(back, told, strict=True)]
    return {"labels": labels(student), "reconstruction": [sum(row) / len(row) for row in gaps]}


def transfer(student, constants):
    factors = (
        through("translator", student["layer2"], convolve),
        through("encoder", constants.teacher["layer2"], convolve),
    )
    losses = []
    for mine, theirs in zip(*factors, strict=True):
        gaps = [abs(x - y) for x, y in zip(unit(mine.ravel()), unit(theirs.ravel()), strict=True)]
        losses.append(500 * sum(gaps) / len(gaps))
    return {"labels": labels(student), "factors": losses}


PLAN = (("paraphrase", "student", "teacher", 0.125), ("transfer", "student", "teacher", 0.875))
ORACLES = [
    Case("paraphrase", at("paraphrase"), STUDENT, TEACHER, batch(LABELS), paraphrase, PLAN),
    Case("transfer", at("transfer"), STUDENT, TEACHER, batch(LABELS), transfer, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


@pytest.mark.parametrize(("rate", "channels"), [(0.5, 1), (1.5, 3), (0.05, 1)])
def test_the_factors_have_a_share_of_the_teachers_channels(rate, channels):
    method = built(FactorTransfer, rate=rate)
    assert method.encoder(torch.zeros(1, 2, 4, 4).double()).shape[1] == channels
    assert method.translator(torch.zeros(1, 2, 4, 4).double()).shape[1] == channels
    assert method.decoder(torch.zeros(1, channels, 4, 4).double()).shape[1] == 2


def test_nets_without_maps_have_kernels_of_one_position_and_factors_of_unequal_size_are_averaged():
    method = FactorTransfer()
    method.build(MLP(4, (5,), 3), MLP(4, (8,), 3), Batch(torch.arange(2), torch.ones(2, 4)), FACTS)
    assert {tuple(p.shape[2:]) for p in method.parameters() if p.dim() == 4} == {(1, 1)}
    wide = built(FactorTransfer)
    wide.stage = "transfer"
    large = traces(2, {"layer2": (2, 4, 4)}, {"layer2": (2, 2, 2)})
    assert wide(*large, batch(LABELS))["factors"].shape == (2,)


def test_the_paraphraser_learns_in_the_first_stage_and_stands_still_in_the_second():
    run = start(setting(), FactorTransfer(paraphrase_share=0.5))
    method, seen = run.method, []
    for event in play(run):
        if isinstance(event, events.Stage):
            seen.append((event.stage, weights(method.encoder), weights(method.translator)))
    seen.append(("end", weights(method.encoder), weights(method.translator)))
    assert [name for name, *_ in seen] == ["paraphrase", "transfer", "end"]

    def moved(index, before, after):
        return any(not torch.equal(seen[before][index][k], seen[after][index][k]) for k in seen[0][index])

    assert [moved(1, 0, 1), moved(1, 1, 2)] == [True, False]
    assert [moved(2, 0, 1), moved(2, 1, 2)] == [False, True]


def test_length_does_not_count():
    method = at("transfer")()
    for name in ("encoder", "translator"):
        for layer in list(getattr(method, name))[::2]:
            torch.nn.init.zeros_(layer.bias)
    short = method(STUDENT, TEACHER, batch(LABELS))["factors"]
    longer = traces(1, {"layer2": (2, 2, 3)})[1]
    longer.features["layer2"] *= 7
    np.testing.assert_allclose(method(STUDENT, longer, batch(LABELS))["factors"].tolist(), short.tolist())


def test_other_layers_can_be_named():
    student, teacher, example = nets()
    method = FactorTransfer(guided="layer1", hint="layer2")
    method.build(student, teacher, example, FACTS)
    assert (method.student_layers, method.teacher_layers) == (("layer1",), ("layer2",))
