"""A decoder sees the past only, counts places over real tokens, and reads the same with a cache."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor

from workbench.models.decoder import Decoder
from workbench.models.layers import penultimate_of, stages_of
from workbench.models.tracing import Tracer

TEXT = torch.tensor([[5, 6, 7, 8, 9]])


@pytest.fixture
def decoder() -> Decoder:
    torch.manual_seed(3)
    made = Decoder(vocabulary=11, width=8, depth=2, heads=2, context=9)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return made


def test_the_future_is_not_seen_and_the_past_is(decoder: Decoder) -> None:
    """Another fourth token changes nothing before it, and something from it on."""
    other = TEXT.clone()
    other[0, 3] = 2
    same = (decoder(TEXT) - decoder(other)).abs().amax(2)[0] == 0
    assert same.tolist() == [True, True, True, False, False]


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_on_either_side_changes_nothing(decoder: Decoder, side: str) -> None:
    """Whatever stands in the padding; a text alone and beside a longer one has the same logits."""
    rubbish = torch.tensor([[1, 10, 3]])
    real, none = torch.ones(1, 5, dtype=torch.bool), torch.zeros(1, 3, dtype=torch.bool)
    tokens = torch.cat([rubbish, TEXT] if side == "left" else [TEXT, rubbish], 1)
    mask = torch.cat([none, real] if side == "left" else [real, none], 1)
    logits = decoder(tokens, mask)
    torch.testing.assert_close(logits[mask], decoder(TEXT)[0])
    assert logits.isfinite().all()


def _literal(decoder: Decoder, tokens: list[int]) -> Tensor:
    """The equations in words of one token at a time."""
    norm = torch.nn.functional.layer_norm
    places = [decoder.embeddings.places.weight[p] for p in range(len(tokens))]
    hidden = [decoder.embeddings.tokens.weight[t] + place for t, place in zip(tokens, places, strict=True)]
    for block in (decoder.layer1, decoder.layer2):
        attention, calm = block.attention, [block.norm1(h) for h in hidden]
        q, k, v = ([part(h) for h in calm] for part in (attention.query, attention.key, attention.value))
        mixed = []
        for i in range(len(tokens)):
            heads = []
            for head in (slice(0, 4), slice(4, 8)):
                scores = torch.stack([q[i][head] @ k[j][head] / math.sqrt(4) for j in range(i + 1)])
                shares = scores.exp() / scores.exp().sum()
                heads.append(sum(shares[j] * v[j][head] for j in range(i + 1)))
            mixed.append(hidden[i] + attention.out(torch.cat(heads)))
        hidden = [h + block.perceptron(norm(h, (8,), block.norm2.weight, block.norm2.bias)) for h in mixed]
    return torch.stack([decoder.classifier.weight @ decoder.norm(h) for h in hidden])


def test_it_is_the_published_net(decoder: Decoder) -> None:
    """Re-derived token by token and head by head."""
    torch.testing.assert_close(decoder(TEXT)[0], _literal(decoder, TEXT[0].tolist()))


@pytest.mark.parametrize("cuts", [(1, 1, 1, 1, 1), (3, 2), (2, 1, 2)])
def test_reading_in_pieces_is_reading_at_once(decoder: Decoder, cuts: tuple[int, ...]) -> None:
    """With a cache, whatever the pieces; padding on the left included."""
    tokens = torch.cat([TEXT, torch.tensor([[0, 0, 6, 7, 8]])])
    mask = torch.tensor([[True] * 5, [False] * 2 + [True] * 3])
    cache, pieces = None, []
    for piece, seen in zip(tokens.split(cuts, 1), mask.split(cuts, 1), strict=True):
        logits, cache = decoder.forward_cached(piece, seen, cache)
        pieces.append(logits)
    torch.testing.assert_close(torch.cat(pieces, 1)[mask], decoder(tokens, mask)[mask])


def test_padded_entries_have_no_logits_and_never_learn() -> None:
    """The matrices are padded to a multiple of 8; the logits end with the vocabulary."""
    decoder = Decoder(vocabulary=11, width=8, depth=1, heads=2, context=9, multiple=8)
    logits = decoder(TEXT)
    assert logits.shape == (1, 5, 11)
    assert decoder.classifier.weight.shape == (16, 8)
    logits.logsumexp(2).sum().backward()
    learns = decoder.classifier.weight.grad.abs().sum(1) > 0
    assert learns.tolist() == [True] * 11 + [False] * 5


def test_one_matrix_may_serve_twice() -> None:
    """Tied, also in a copy; a step moves both."""
    decoder = copy.deepcopy(Decoder(vocabulary=11, width=8, depth=1, heads=2, context=9, tied=True))
    decoder(TEXT).square().sum().backward()
    assert decoder.classifier.weight is decoder.embeddings.tokens.weight
    untied = Decoder(vocabulary=11, width=8, depth=1, heads=2, context=9)
    assert sum(p.numel() for p in untied.parameters()) - sum(p.numel() for p in decoder.parameters()) == 88


def test_everything_methods_match_can_be_traced(decoder: Decoder) -> None:
    """Blocks, attention, scores, projections, embeddings and the input of the classifier."""
    names = ("embeddings", "layer1", "layer2.attention:attention", "layer2.attention.scores")
    projections = tuple(f"layer2.attention.{part}" for part in ("query", "key", "value"))
    trace = Tracer(decoder, (*names, *projections, "classifier:input"))({"input_ids": TEXT})
    weights = trace["layer2.attention:attention"]
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 2, 5))
    assert (weights.triu(1) == 0).all()
    q, k = (trace[f"layer2.attention.{part}"].unflatten(2, (2, 4)).transpose(1, 2) for part in ("query", "key"))
    torch.testing.assert_close(trace["layer2.attention.scores"], q @ k.mT / 2)
    torch.testing.assert_close(decoder.classifier(trace["classifier:input"]), trace.logits)
    assert trace["embeddings"].shape == trace["layer1"].shape == (1, 5, 8)
    assert stages_of(decoder) == ["layer1", "layer2"]
    assert penultimate_of(decoder) == "classifier:input"


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (torch.zeros(1, 10, dtype=torch.int64), "a text of 10 tokens is longer than the model's context of 9"),
        (torch.tensor([[3, 11]]), "tokens run from 3 to 11, but the model's vocabulary has 11 entries"),
    ],
)
def test_what_it_cannot_read(decoder: Decoder, tokens: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decoder(tokens)


def test_padding_does_not_fill_the_context(decoder: Decoder) -> None:
    """Only real tokens count against it."""
    tokens, mask = torch.ones(1, 12, dtype=torch.int64), torch.arange(12)[None] >= 5
    assert decoder(tokens, mask).shape == (1, 12, 11)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="3 heads must divide the width 8"):
        Decoder(11, 8, 1, 3, 9)
