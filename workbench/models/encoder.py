"""A small encoder that reads a sentence in both directions, with the two heads that encoders are distilled with.

After Devlin et al., "BERT", NAACL 2019, with the norms before each sublayer. Embeddings, blocks, attention and its
projections are named layers: ``encoder.embeddings``, ``encoder.layer1``, ``encoder.layer1.attention:attention`` ...
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.maths.tokens import positions_of
from workbench.models.text_blocks import Embeddings, TextBlock, check_heads, start_small


class Encoder(nn.Module):
    """Hidden states of a text, each of which has seen all of it.

    Args:
        vocabulary: V, number of entries of the tokenizer.
        width: D, of the hidden states.
        depth: number of blocks ``layer1``, ``layer2`` ...
        heads: attention heads per block.
        context: most tokens of one text.

    Attributes:
        feature_layers: names of the blocks, each with outputs (B, L, D).

    Raises:
        ValueError: the heads do not divide the width.
    """

    def __init__(self, vocabulary: int, width: int, depth: int, heads: int, context: int) -> None:
        super().__init__()
        check_heads(width, heads)
        self.width, self.vocabulary, self.context = width, vocabulary, context
        self.feature_layers = tuple(f"layer{number}" for number in range(1, depth + 1))
        self.embeddings = Embeddings(vocabulary, width, context)
        for name in self.feature_layers:
            self.add_module(name, TextBlock(width, heads))
        self.norm = nn.LayerNorm(width)
        start_small(self)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """(B, L) tokens and which of them are real, None for all -> (B, L, D).

        Raises:
            ValueError: a text is longer than the context, or a token is outside the vocabulary.
        """
        mask = torch.ones_like(input_ids, dtype=torch.bool) if attention_mask is None else attention_mask.bool()
        itself = torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
        allowed = (mask[:, None] | itself)[:, None]
        hidden = self.embeddings(input_ids, positions_of(mask))
        for name in self.feature_layers:
            hidden = self.get_submodule(name)(hidden, allowed)
        return self.norm(hidden)


class MaskedLanguageModel(nn.Module):
    """Guesses the tokens that were hidden from it.

    Args:
        encoder: reads the text.

    Attributes:
        feature_layers: names of the encoder's blocks.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.feature_layers = tuple(f"encoder.{name}" for name in encoder.feature_layers)
        self.classifier = nn.Linear(encoder.width, encoder.vocabulary)
        start_small(self.classifier)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """(B, L) -> (B, L, V) logits."""
        return self.classifier(self.encoder(input_ids, attention_mask))


class SentenceClassifier(nn.Module):
    """Classifies a text by the hidden state of its first real token.

    Args:
        encoder: reads the text.
        classes: C, number of classes.

    Attributes:
        feature_layers: names of the encoder's blocks.
    """

    def __init__(self, encoder: Encoder, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.feature_layers = tuple(f"encoder.{name}" for name in encoder.feature_layers)
        self.classifier = nn.Linear(encoder.width, classes)
        start_small(self.classifier)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """(B, L) -> (B, C) logits."""
        hidden = self.encoder(input_ids, attention_mask)
        if attention_mask is None:
            return self.classifier(hidden[:, 0])
        first = attention_mask.int().argmax(1)
        return self.classifier(hidden[torch.arange(len(hidden), device=hidden.device), first])
