"""Flow between layers: both stages' formulas, with and without a map between widths, and layers that do not fit."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, dot
from workbench.methods.relations.fsp import FSP, flow, flow_gap, step
from workbench.models.convnet import ConvNet
from workbench.models.mlp import MLP
from workbench.records.batch import Batch

torch.manual_seed(0)
LABELS = [0, 2, -1]
LOGITS = torch.randn(3, 3).tolist()
SHAPES = {"layer1:input": (2, 2, 4), "layer1": (2, 2, 2), "layer2": (3, 2, 2)}
STUDENT = trace(LOGITS, **{name: torch.randn(3, *shape).tolist() for name, shape in SHAPES.items()})
TEACHER = trace(LOGITS, **{name: torch.randn(3, *shape).tolist() for name, shape in SHAPES.items()})
WIDER = trace(LOGITS, **{n: torch.randn(3, d + 1, h, w).tolist() for n, (d, h, w) in SHAPES.items()})
PLAN = (("flow", "student", "teacher", 30 / 270), ("distill", "student", None, 240 / 270))


class Convolutions(nn.Sequential):
    """Layers of the widths of a trace."""

    feature_layers = ("layer1", "layer2")

    def __init__(self, widths):
        super().__init__()
        one, two, three = widths
        self.layer0 = nn.Conv2d(1, one, 1)
        self.layer1 = nn.Conv2d(one, two, 1)
        self.layer2 = nn.Conv2d(two, three, 1)


def make(teacher_widths, stage, **parameters):
    torch.manual_seed(1)
    method = FSP(**parameters)
    nets = Convolutions((2, 2, 3)), Convolutions(teacher_widths)
    method.build(*nets, Batch(torch.arange(2), torch.ones(2, 1, 2, 4)), FACTS)
    method.stage = stage
    return method.double()


def positions(feature, height, width):
    """(D, H, W) averaged to a size, as a list of positions' channels."""
    d, h, w = feature.shape
    pooled = feature.reshape(d, height, h // height, width, w // width).mean((2, 4))
    return [[pooled[c, i, j] for c in range(d)] for i in range(height) for j in range(width)]


def literal_flow(first, second):
    places = list(zip(positions(first, 2, 2), positions(second, 2, 2), strict=True))
    return [[sum(a[k] * b[m] for a, b in places) / 4 for m in range(second.shape[0])] for k in range(first.shape[0])]


def gap(mine, theirs):
    entries = [(x - y) ** 2 for a, b in zip(mine, theirs, strict=True) for x, y in zip(a, b, strict=True)]
    return sum(entries) / len(entries)


def mapped(matrix, left, right):
    """Both axes of a flow through maps of channels, written as weights (new, old)."""
    half = [[dot(row, r) for r in right] for row in matrix]
    return [[dot(new, [row[m] for row in half]) for m in range(len(right))] for new in left]


def flows(maps=None):
    def at(student, constants):
        steps = list(zip(list(SHAPES)[:-1], list(SHAPES)[1:], strict=True))
        found = []
        for b in range(3):
            total = 0.0
            for k, (first, second) in enumerate(steps):
                mine = literal_flow(student[first][b], student[second][b])
                if maps:
                    mine = mapped(mine, maps[k], maps[k + 1])
                total += gap(mine, literal_flow(constants.teacher[first][b], constants.teacher[second][b]))
            found.append(10 * total)
        return {"flow": found}

    return at


def labels(student, constants):
    return {"labels": [cross_entropy(row, y) for row, y in zip(student["logits"], LABELS, strict=True)]}


same, wider = partial(make, (2, 2, 3)), partial(make, (3, 3, 4))
MAPS = [adapter.weight.tolist() for adapter in wider("flow").adapters]
ORACLES = [
    Case("flow", partial(same, "flow"), STUDENT, TEACHER, batch(LABELS), flows(), PLAN),
    Case("labels", partial(same, "distill"), STUDENT, TEACHER, batch(LABELS), labels, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_a_map_between_widths_is_learnt_beside_it():
    """Not an oracle case: its student and teacher cannot change places."""
    check(Case("other widths", partial(wider, "flow"), STUDENT, WIDER, batch(LABELS), flows(MAPS), PLAN), wider("flow"))


@pytest.mark.parametrize("places", [1, 2, 7])
def test_few_or_many_positions_lead_to_the_same_gap(places):
    student, teacher = ((torch.randn(2, places, 5).double(), torch.randn(2, places, 6).double()) for _ in range(2))
    torch.testing.assert_close(flow_gap(student, teacher), (flow(*student) - flow(*teacher)).square().mean((1, 2)))


def test_vectors_have_one_position_sequences_theirs_and_the_two_do_not_go_together():
    one, other = torch.randn(2, 3), torch.randn(2, 4)
    torch.testing.assert_close(flow(*step(one, other)), one[:, :, None] * other[:, None])
    sequences = torch.randn(2, 5, 3), torch.randn(2, 5, 4)
    torch.testing.assert_close(flow(*step(*sequences)), sequences[0].mT @ sequences[1] / 5)
    with pytest.raises(ValueError, match=r"\(2, 5, 3\) and \(2, 4\) have no positions in common"):
        step(sequences[0], other)


def test_a_net_of_one_stage_has_the_step_into_it_and_one_named_layer_has_none():
    example = Batch(torch.arange(2), torch.ones(2, 4))
    method = FSP()
    method.build(MLP(4, (5,), 3), MLP(4, (7, 8), 3), example, FACTS)
    assert method.student_layers == ("layer1:input", "layer1")
    assert method.teacher_layers == ("layer2:input", "layer2")
    with pytest.raises(ValueError, match="name two or more, not 'layer1'"):
        FSP(guided="layer1").build(MLP(4, (5,), 3), MLP(4, (7,), 3), example, FACTS)


def test_the_second_stage_keeps_what_the_first_one_made():
    method, nets = FSP(), (ConvNet(1, (2, 3), 3), ConvNet(1, (4, 5), 3))
    example = Batch(torch.arange(2), torch.ones(2, 1, 8, 8))
    method.build(*nets, example, FACTS)
    adapters = method.adapters
    method.build(nets[0], None, example, FACTS)
    assert method.adapters is adapters
