"""An encoder sees all of a text and none of its padding; its heads and layers can be traced."""

from __future__ import annotations

import pytest
import torch

from workbench.models.encoder import Encoder, MaskedLanguageModel, SentenceClassifier
from workbench.models.layers import penultimate_of, stages_of
from workbench.models.tracing import Tracer

TEXT = torch.tensor([[1, 6, 7, 8]])


@pytest.fixture
def encoder() -> Encoder:
    made = Encoder(vocabulary=11, width=8, depth=2, heads=2, context=9)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return made


def test_every_token_sees_every_other(encoder: Encoder) -> None:
    """Another last token changes all hidden states, the first one included."""
    other = TEXT.clone()
    other[0, 3] = 2
    assert ((encoder(TEXT) - encoder(other)).abs().amax(2) > 0).all()


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("head", ["hidden", "words", "class"])
def test_padding_on_either_side_changes_nothing(encoder: Encoder, side: str, head: str) -> None:
    """Neither hidden states, nor guesses, nor the class, which rests on the first real token."""
    model = {"hidden": lambda e: e, "words": MaskedLanguageModel, "class": lambda e: SentenceClassifier(e, 3)}[head](
        encoder
    )
    rubbish, real = torch.tensor([[3, 4]]), torch.ones(1, 4, dtype=torch.bool)
    tokens = torch.cat([rubbish, TEXT] if side == "left" else [TEXT, rubbish], 1)
    mask = torch.cat([~real[:, :2], real] if side == "left" else [real, ~real[:, :2]], 1)
    padded = model(tokens, mask)
    torch.testing.assert_close(padded if head == "class" else padded[mask][None], model(TEXT))


def test_what_encoders_are_distilled_by_can_be_traced(encoder: Encoder) -> None:
    """Embeddings, blocks, attention that looks both ways, and the classifier's input."""
    model = SentenceClassifier(encoder, 3)
    names = ("encoder.embeddings", "encoder.layer1", "encoder.layer2.attention:attention", "classifier:input")
    trace = Tracer(model, names)({"input_ids": TEXT})
    weights = trace["encoder.layer2.attention:attention"]
    assert weights.shape == (1, 2, 4, 4)
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 2, 4))
    assert (weights > 0).all()
    torch.testing.assert_close(trace["classifier:input"], encoder(TEXT)[:, 0])
    assert trace["encoder.embeddings"].shape == trace["encoder.layer1"].shape == (1, 4, 8)
    assert stages_of(model) == ["encoder.layer1", "encoder.layer2"]
    assert penultimate_of(model, {"input_ids": TEXT}) == "classifier:input"


def test_shapes_of_the_heads(encoder: Encoder) -> None:
    assert MaskedLanguageModel(encoder)(TEXT).shape == (1, 4, 11)
    assert SentenceClassifier(encoder, 3)(TEXT).shape == (1, 3)


def test_what_it_cannot_read(encoder: Encoder) -> None:
    with pytest.raises(ValueError, match="a text of 10 tokens is longer than the model's context of 9"):
        encoder(torch.zeros(1, 10, dtype=torch.int64))
    with pytest.raises(ValueError, match="3 heads must divide the width 8"):
        Encoder(11, 8, 1, 3, 9)
