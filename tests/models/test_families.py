"""Every family: parameter counts, shapes of outputs and stages, refusals."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from workbench.models.blocks import ChannelShuffle, he_normal
from workbench.models.convnet import ConvNet
from workbench.models.mlp import MLP
from workbench.models.resnet import basic_resnet
from workbench.models.size import parameters
from workbench.models.tracing import Tracer, penultimate_of, stages_of
from workbench.models.vit import ViT
from workbench.models.wrn import WideResNet
from workbench.models.zoo import NETS, net

# Parameters for 100 classes of the reference code of Tian et al., "Contrastive Representation Distillation", ICLR 2020
# (github.com/HobbitLong/RepDistiller at b84f547), counted on its own modules; it calls the last four ResNet50,
# MobileNetV2, ShuffleV1 and ShuffleV2, and its vgg nets are those with batch normalisation.
REFERENCE = {
    "resnet8": 83_892,
    "resnet14": 181_108,
    "resnet20": 278_324,
    "resnet32": 472_756,
    "resnet44": 667_188,
    "resnet56": 861_620,
    "resnet110": 1_736_564,
    "resnet8x4": 1_233_540,
    "resnet32x4": 7_433_860,
    "wrn_16_1": 180_916,
    "wrn_16_2": 703_284,
    "wrn_40_1": 569_780,
    "wrn_40_2": 2_255_156,
    "vgg8": 3_965_028,
    "vgg11": 9_277_284,
    "vgg13": 9_462_180,
    "resnet50": 23_705_252,
    "mobilenet_v2": 812_836,
    "shuffle_v1": 949_258,
    "shuffle_v2": 1_355_528,
}
# In millions, for 10 classes: Zagoruyko and Komodakis, "Paying More Attention to Attention", ICLR 2017, Table 1, as quoted
# in the README of github.com/aryamaanthakur/trailmet-distillation.
PUBLISHED = {"wrn_16_1": 0.2, "wrn_16_2": 0.7}

# (D, side) of every stage on an image of 32 pixels, from the tables of the papers.
STAGES = {
    "resnet8": [(16, 32), (32, 16), (64, 8)],
    "resnet8x4": [(64, 32), (128, 16), (256, 8)],
    "resnet50": [(256, 32), (512, 16), (1024, 8), (2048, 4)],
    "wrn_16_2": [(32, 32), (64, 16), (128, 8)],
    "vgg8": [(128, 16), (256, 8), (512, 4), (512, 4)],
    "vgg13": [(128, 16), (256, 8), (512, 4), (512, 4)],
    "mobilenet_v2": [(12, 16), (16, 8), (48, 4), (160, 2)],
    "shuffle_v1": [(240, 16), (480, 8), (960, 4)],
    "shuffle_v2": [(116, 16), (232, 8), (464, 4)],
}


@pytest.mark.parametrize("name", NETS)
def test_the_parameters_are_those_of_the_reference(name: str) -> None:
    with torch.device("meta"):
        assert parameters(net(name)(classes=100)) == REFERENCE[name]
        if name in PUBLISHED:
            assert round(parameters(net(name)(classes=10)) / 1e6, 1) == PUBLISHED[name]


@pytest.mark.parametrize(("name", "classes"), list(itertools.product(STAGES, (10, 100))))
def test_outputs_and_stages_have_their_shapes(name: str, classes: int) -> None:
    model = net(name)(classes=classes).eval()
    with torch.no_grad():
        trace = Tracer(model, (*stages_of(model), penultimate_of(model)))(torch.randn(2, 3, 32, 32))
    assert trace.logits.shape == (2, classes)
    assert trace.logits.isfinite().all()
    assert stages_of(model) == [f"layer{number}" for number in range(1, len(STAGES[name]) + 1)]
    assert [(f.shape[1], f.shape[2]) for f in map(trace.__getitem__, stages_of(model))] == STAGES[name]
    assert penultimate_of(model) == "classifier:input"
    assert trace["classifier:input"].shape == (2, model.classifier.in_features)


@pytest.mark.parametrize("name", ["resnet8", "wrn_16_1", "vgg8", "mobilenet_v2", "shuffle_v1", "shuffle_v2"])
def test_every_parameter_learns(name: str) -> None:
    model = net(name)(classes=10, channels=1)
    nn.functional.cross_entropy(model(torch.randn(4, 1, 32, 32)), torch.arange(4)).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []


@pytest.mark.parametrize("name", ["resnet8", "wrn_16_1", "vgg8", "mobilenet_v2", "shuffle_v1", "shuffle_v2"])
def test_outputs_of_stages_are_not_overwritten(name: str) -> None:
    model, versions = net(name)(classes=10), {}
    for stage in stages_of(model):
        model.get_submodule(stage).register_forward_hook(
            lambda _layer, _inputs, output: versions.update({output: output._version})
        )
    model(torch.randn(2, 3, 32, 32))
    assert len(versions) == len(stages_of(model))
    assert [output.shape for output, version in versions.items() if output._version != version] == []


@pytest.mark.parametrize("hidden", [(), (7,), (16, 8)])
def test_mlp(hidden: tuple[int, ...]) -> None:
    model = MLP(64, hidden, 10, dropout=0.5).eval()
    widths = [64, *hidden, 10]
    assert parameters(model) == sum((a + 1) * b for a, b in itertools.pairwise(widths))
    trace = Tracer(model, (*model.feature_layers, "classifier:input"))(torch.randn(3, 1, 8, 8))
    assert trace.logits.shape == (3, 10)
    assert [trace[name].shape[1] for name in model.feature_layers] == list(hidden)
    assert trace["classifier:input"].shape == (3, widths[-2])
    assert all((trace[name] >= 0).all() for name in model.feature_layers)


@pytest.mark.parametrize(("channels", "side", "widths"), [(1, 8, (4, 8)), (1, 28, (8, 16, 32)), (3, 32, (4,))])
def test_convnet(channels: int, side: int, widths: tuple[int, ...]) -> None:
    model = ConvNet(channels, widths, 10)
    convolutions = sum(9 * a * b + 2 * b for a, b in itertools.pairwise((channels, *widths)))
    assert parameters(model) == convolutions + 10 * (widths[-1] + 1)
    trace = Tracer(model, stages_of(model))(torch.randn(2, channels, side, side))
    assert trace.logits.shape == (2, 10)
    sides = [side // 2**halved for halved in range(len(widths))]
    assert [trace[s].shape[1:] for s in stages_of(model)] == [(w, n, n) for w, n in zip(widths, sides, strict=True)]


def test_vit_has_the_parameters_of_its_equations() -> None:
    size, patch, d, depth, classes, channels = 32, 8, 24, 3, 10, 3
    tokens = 1 + (size // patch) ** 2
    attention = 4 * (d * d + d)  # queries, keys, values, output
    perceptron = (d * 4 * d + 4 * d) + (4 * d * d + d)
    block = attention + perceptron + 2 * 2 * d  # two normalisations
    embedding = channels * patch**2 * d + d + tokens * d + d
    model = ViT(size, patch, d, depth, 4, classes, channels)
    assert parameters(model) == embedding + depth * block + 2 * d + classes * (d + 1)
    trace = Tracer(model, (*stages_of(model), penultimate_of(model)))(torch.randn(2, 3, size, size))
    assert trace.logits.shape == (2, classes)
    assert [trace[name].shape for name in model.feature_layers] == [(2, tokens, d)] * depth
    assert trace["classifier:input"].shape == (2, d)


def test_vit_without_positions_does_not_see_the_order_of_patches() -> None:
    model = ViT(8, 4, 12, 2, 2, 5, channels=1).eval()
    x = torch.randn(2, 1, 8, 8)
    swapped = torch.cat([x[..., 4:], x[..., :4]], -1)
    assert not torch.allclose(model(x), model(swapped), atol=1e-5)
    nn.init.zeros_(model.positions)
    torch.testing.assert_close(model(x), model(swapped), rtol=1e-4, atol=1e-6)


def test_channel_shuffle_deals_the_groups_like_cards() -> None:
    x = torch.arange(6.0).view(1, 6, 1, 1)
    assert ChannelShuffle(2)(x).flatten().tolist() == [0, 3, 1, 4, 2, 5]
    assert ChannelShuffle(3)(x).flatten().tolist() == [0, 2, 4, 1, 3, 5]


def test_convolutions_start_with_the_variance_of_he() -> None:
    conv = nn.Conv2d(64, 128, 3)
    he_normal(conv)
    assert conv.weight.var().item() == pytest.approx(2 / (9 * 128), rel=0.05)


def test_a_shared_parameter_counts_once() -> None:
    layer = nn.Linear(3, 4)
    assert parameters(nn.Sequential(layer, layer, nn.BatchNorm1d(4))) == 3 * 4 + 4 + 2 * 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: basic_resnet(21, (16, 16, 32, 64)), "depth 21 is not 6n \\+ 2"),
        (lambda: WideResNet(20, 1), "depth 20 is not 6n \\+ 4"),
        (lambda: ViT(32, 5, 12, 1, 2, 10), "patch 5 must divide size 32"),
        (lambda: ViT(32, 4, 12, 1, 5, 10), "heads 5 must divide width 12"),
        (lambda: ConvNet(1, (), 10), "at least one stage"),
        (lambda: net("resnet8_4"), r"no net 'resnet8_4'; nets, nearest first: \['resnet8x4'"),
    ],
)
def test_impossible_nets_are_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
