"""Attention weights, against the formula written out."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from workbench.models.tracing import Tracer
from workbench.models.vit import ViT


def attention_by_hand(layer: nn.MultiheadAttention, tokens: Tensor) -> Tensor:
    """softmax(Q K' / sqrt(d)) of every sample and head, (B, heads, L, L)."""
    width, heads = layer.embed_dim, layer.num_heads
    depth = width // heads
    weights = torch.zeros(len(tokens), heads, tokens.shape[1], tokens.shape[1])
    for b, sample in enumerate(tokens):
        queries = sample @ layer.in_proj_weight[:width].T + layer.in_proj_bias[:width]
        keys = sample @ layer.in_proj_weight[width : 2 * width].T + layer.in_proj_bias[width : 2 * width]
        for h in range(heads):
            part = slice(h * depth, (h + 1) * depth)
            for i in range(len(sample)):
                scores = torch.stack([queries[i, part] @ key[part] / math.sqrt(depth) for key in keys])
                weights[b, h, i] = scores.exp() / scores.exp().sum()
    return weights


@pytest.fixture
def vit() -> ViT:
    return ViT(size=8, patch=4, width=12, depth=2, heads=3, classes=10, channels=1)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("gradient", [True, False])
def test_vit_attention_is_the_formula(vit: ViT, training: bool, gradient: bool) -> None:
    vit.train(training)
    x = torch.randn(2, 1, 8, 8)
    with torch.set_grad_enabled(gradient):
        plain = vit(x)
        trace = Tracer(vit, ["layer1.attention:attention", "layer2.attention:attention", "layer2.attention:input"])(x)
    weights = trace["layer2.attention:attention"]
    assert weights.shape == (2, 3, 5, 5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, 5))
    expected = attention_by_hand(vit.layer2.attention, trace["layer2.attention:input"])
    torch.testing.assert_close(weights, expected, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(weights, trace["layer1.attention:attention"])
    torch.testing.assert_close(trace.outputs, plain, rtol=1e-4, atol=1e-5)
    assert weights.requires_grad == gradient


def test_attention_passes_gradients(vit: ViT) -> None:
    Tracer(vit, ["layer1.attention:attention"])(torch.randn(2, 1, 8, 8))["layer1.attention:attention"][
        :, 0
    ].var().backward()
    assert vit.layer1.attention.in_proj_weight.grad.abs().sum() > 0


class Caller(nn.Module):
    """Asks its attention for weights in its own way and returns both answers."""

    def __init__(self, **asked: bool) -> None:
        super().__init__()
        self.attention, self.asked, self.got = nn.MultiheadAttention(8, 2, batch_first=True), asked, None

    def forward(self, x: Tensor) -> Tensor:
        y, self.got = self.attention(x, x, x, None, **self.asked)
        return y


@pytest.mark.parametrize(
    "asked", [{}, {"need_weights": False}, {"need_weights": True, "average_attn_weights": False}], ids=str
)
def test_the_caller_gets_the_weights_it_asked_for(asked: dict[str, bool]) -> None:
    net, x = Caller(**asked), torch.randn(2, 4, 8)
    net(x)
    untraced = net.got
    weights = Tracer(net, ["attention:attention"])(x)["attention:attention"]
    assert weights.shape == (2, 2, 4, 4)
    if untraced is None:
        assert net.got is None
    else:
        torch.testing.assert_close(net.got, untraced)


@pytest.mark.parametrize("training", [True, False])
def test_the_encoder_layer_of_torch_shows_its_weights(training: bool) -> None:
    net = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True).train(training)
    x = torch.randn(3, 4, 8)
    with torch.no_grad():  # in evaluation mode a fused kernel replaces the whole layer
        weights = Tracer(net, ["self_attn:attention"])(x)["self_attn:attention"]
    torch.testing.assert_close(weights, attention_by_hand(net.self_attn, x), rtol=1e-5, atol=1e-6)


def test_a_module_that_returns_weights_shows_them() -> None:
    class Own(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            weights = (x @ x.mT).softmax(-1)
            return weights @ x, weights

    x = torch.randn(2, 3, 4)
    trace = Tracer(nn.Sequential(Own()), ["0:attention", "0"])(x)
    torch.testing.assert_close(trace["0:attention"] @ x, trace["0"])


def test_a_module_without_weights_says_what_works() -> None:
    with pytest.raises(TypeError, match=r"Linear returned no attention weights; what works: nn.MultiheadAttention"):
        Tracer(nn.Sequential(nn.Linear(2, 2)), ["0:attention"])(torch.randn(1, 2))
