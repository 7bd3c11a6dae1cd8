"""Regions: the formula with both kinds, the way from one region to kd, and nets whose regions have no logits."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, dot, kl, softmax
from workbench.methods.logits.kd import KD
from workbench.methods.logits.sdd import SDD, averaged_layer, grids, region_logits
from workbench.models.convnet import ConvNet
from workbench.models.mlp import MLP
from workbench.models.zoo import net as net_of
from workbench.records.batch import Batch
from workbench.records.trace import Trace

torch.manual_seed(4)
LABELS = [0, 2, -1, 1]
LOGITS = torch.randn(4, 3).tolist()
STUDENT = trace(LOGITS, layer1=torch.randn(4, 2, 4, 4).tolist())
TEACHER = trace(LOGITS, layer1=torch.randn(4, 2, 4, 4).tolist())
WEIGHTS = [[[1.0, -0.5], [0.3, 0.8], [-0.7, 0.2]], [[0.4, 0.9], [-0.6, 0.5], [1.1, -1.2]]]
BIASES = [[0.1, 0.0, -0.2], [0.3, -0.1, 0.2]]


def net(side):
    made = ConvNet(1, (2,), 3).double().eval()
    made.classifier.weight.data = torch.tensor(WEIGHTS[side], dtype=torch.float64)
    made.classifier.bias.data = torch.tensor(BIASES[side], dtype=torch.float64)
    return made


def make(**parameters):
    method = SDD(**parameters)
    method.build(net(0), net(1), Batch(torch.arange(2), torch.randn(2, 1, 4, 4).double()), FACTS)
    return method


def regions(maps, side):
    """Logits of the whole, the four quarters and the sixteen positions of maps (2, 4, 4)."""
    found = []
    for scale in (1, 2, 4):
        step = 4 // scale
        for i in range(scale):
            for j in range(scale):
                cell = maps[:, i * step : (i + 1) * step, j * step : (j + 1) * step].mean((1, 2))
                pairs = zip(WEIGHTS[side], BIASES[side], strict=True)
                found.append([dot(w, cell) + b for w, b in pairs])
    return found


def best(row):
    return row.index(max(row))


def formula(student, constants):
    terms = {"labels": [], "consistent": [], "complementary": []}
    samples = zip(student["logits"], student["layer1"], constants.teacher["layer1"], LABELS, strict=True)
    for logits, mine, theirs, y in samples:
        s, t = regions(mine, 0), regions(theirs, 1)
        label = best(t[0]) if y < 0 else y
        found = {True: 0.0, False: 0.0}
        for a, b in zip(s, t, strict=True):
            agrees = (best(b) == label) == (best(t[0]) == label)
            found[agrees] += 0.9 * 16 * kl(softmax(b, 4), softmax(a, 4)) / 21
        terms["labels"].append(0.1 * cross_entropy(logits, y))
        terms["consistent"].append(found[True])
        terms["complementary"].append(2 * found[False])
    return terms


ORACLES = [Case("21 regions", make, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_regions_that_all_show_the_same_make_it_kd():
    flat = [trace(LOGITS, layer1=torch.randn(4, 2, 1, 1).expand(4, 2, 4, 4).tolist()) for _ in range(2)]
    whole = [
        Trace(region_logits(side["layer1"], n.classifier.weight, n.classifier.bias, [(1, 1)])[:, 0])
        for side, n in zip(flat, (net(0), net(1)), strict=True)
    ]
    terms = make()(*flat, batch(LABELS))
    assert terms["complementary"].abs().sum() == 0
    torch.testing.assert_close(terms["consistent"], KD()(*whole, batch(LABELS))["soft"])


def test_gradients_reach_the_classifier_of_the_student_and_the_teacher_keeps_a_copy():
    method, nets = SDD(), (net(0), net(1))
    method.build(*nets, Batch(torch.arange(2), torch.randn(2, 1, 4, 4).double()), FACTS)
    method(STUDENT, TEACHER, batch(LABELS))["consistent"].sum().backward()
    assert nets[0].classifier.weight.grad.abs().sum() > 0
    assert set(method.state_dict()) == {"teacher_weight", "teacher_bias"}
    assert list(method.parameters()) == []


def test_grids_are_as_fine_as_the_smaller_maps():
    assert grids(torch.zeros(1, 2, 8, 8), torch.zeros(1, 3, 3, 5)) == [(1, 1), (2, 2), (3, 4)]
    assert grids(torch.zeros(1, 2, 2, 2)) == [(1, 1), (2, 2)]


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("resnet20", "layer3"),
        ("wrn_16_1", "activation"),
        ("mobilenet_v2", "top"),
        ("shuffle_v2", "top"),
        ("vgg8", "layer4"),
    ],
)
def test_the_maps_that_enter_the_pooling_are_found(name, layer):
    assert averaged_layer(net_of(name)(), torch.randn(2, 3, 32, 32)) == layer


class Attentive(nn.Module):
    """Maps, but the classifier sees their maximum."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.classifier = nn.Conv2d(1, 2, 3), nn.Linear(2, 3)

    def forward(self, inputs):
        return self.classifier(self.body(inputs).amax((2, 3)))


@pytest.mark.parametrize("model", [MLP(16, (5,), 3), Attentive()], ids=["vectors", "other pooling"])
def test_a_net_whose_regions_have_no_logits_is_refused(model):
    with pytest.raises(
        ValueError, match=rf"{type(model).__name__} has no maps .* whose average enters its classifier.*or kd"
    ):
        SDD().build(model, net(1), Batch(torch.arange(2), torch.randn(2, 1, 4, 4)), FACTS)


def test_a_named_layer_must_fit_the_classifier():
    pair, example = (ConvNet(1, (2, 3), 3), ConvNet(1, (4, 5), 3)), Batch(torch.arange(2), torch.randn(2, 1, 8, 8))
    with pytest.raises(ValueError, match=r"layer 'layer1' gives \(2, 2, 8, 8\); .* needs maps \(B, 3, H, W\)"):
        SDD(guided="layer1").build(*pair, example, FACTS)
