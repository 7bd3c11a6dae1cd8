"""The pieces that the text models are built from.

After Vaswani et al., "Attention Is All You Need", NeurIPS 2017, section 3.2, with the norms before each sublayer. The
attention is written out, not fused, so that everything in it can be traced: ``layer1.attention:attention`` are the
weights, (B, heads, L, S), ``layer1.attention.scores`` the scaled products before mask and softmax, and
``layer1.attention.query``, ``.key`` and ``.value`` the projections, (B, L, D), heads side by side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

WIDEN = 4
SPREAD = 0.02
"""Standard deviation of the initial weights, as in GPT-2 and BERT."""


@dataclass
class Memory:
    """Keys and values of what one attention layer has read, (B, heads, S, D / heads) each."""

    keys: Tensor | None = None
    values: Tensor | None = None

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """All of them, after these new ones were added."""
        if self.keys is not None:
            keys, values = torch.cat([self.keys, keys], 2), torch.cat([self.values, values], 2)
        self.keys, self.values = keys, values
        return keys, values


class Scores(nn.Module):
    """Scaled products of queries and keys; a module so that they can be traced."""

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        """(B, heads, L, D) with (B, heads, S, D) -> (B, heads, L, S)."""
        return queries @ keys.mT / math.sqrt(queries.shape[-1])


class SelfAttention(nn.Module):
    """Attention of a text to itself."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.scores = Scores()
        self.out = nn.Linear(width, width)

    def forward(self, hidden: Tensor, allowed: Tensor, memory: Memory | None = None) -> tuple[Tensor, Tensor]:
        """Mix values and return the weights with them.

        Args:
            hidden: (B, L, D).
            allowed: (B, 1, L, S) bool, which keys each query may see; at least one.
            memory: of what was read before; grows by these tokens.
        """
        queries, keys, values = (
            part(hidden).unflatten(2, (self.heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        if memory is not None:
            keys, values = memory.extend(keys, values)
        weights = self.scores(queries, keys).masked_fill(~allowed, -math.inf).softmax(-1)
        return self.out((weights @ values).transpose(1, 2).flatten(2)), weights


class TextBlock(nn.Module):
    """Self-attention and a perceptron, each on normalised inputs and added to them."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.perceptron = nn.Sequential(nn.Linear(width, WIDEN * width), nn.GELU(), nn.Linear(WIDEN * width, width))

    def forward(self, hidden: Tensor, allowed: Tensor, memory: Memory | None = None) -> Tensor:
        """(B, L, D), the same shape out."""
        hidden = hidden + self.attention(self.norm1(hidden), allowed, memory)[0]
        return hidden + self.perceptron(self.norm2(hidden))


class Embeddings(nn.Module):
    """A vector for each token and for each place in the text, added up."""

    def __init__(self, vocabulary: int, width: int, context: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(context, width)

    def forward(self, input_ids: Tensor, positions: Tensor) -> Tensor:
        """(B, L) tokens at (B, L) positions -> (B, L, D).

        Raises:
            ValueError: a text is longer than the context, or a token is outside the vocabulary.
        """
        longest, context = int(positions.max()) + 1, self.places.num_embeddings
        if longest > context:
            raise ValueError(f"a text of {longest} tokens is longer than the model's context of {context}")
        low, high = (int(bound) for bound in input_ids.aminmax())
        if low < 0 or high >= self.tokens.num_embeddings:
            raise ValueError(
                f"tokens run from {low} to {high}, but the model's vocabulary has {self.tokens.num_embeddings} "
                "entries; it was made for another tokenizer"
            )
        return self.tokens(input_ids) + self.places(positions)


def start_small(module: nn.Module) -> None:
    """Start all matrices from N(0, 0.02^2) and all biases from 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Embedding):
            nn.init.normal_(layer.weight, std=SPREAD)
        if isinstance(layer, nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)


def check_heads(width: int, heads: int) -> None:
    """Refuse heads that do not divide the width.

    Raises:
        ValueError: the width is no multiple of the number of heads.
    """
    if width % heads:
        raise ValueError(f"{heads} heads must divide the width {width}")
