"""A small language model that writes from left to right.

After Radford et al., "Language Models are Unsupervised Multitask Learners", 2019 (GPT-2): norms before each sublayer,
learnt places, a last norm. Places are counted over real tokens, so padding on either side changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workbench.maths.tokens import positions_of
from workbench.models.text_blocks import Embeddings, Memory, TextBlock, check_heads, start_small


@dataclass
class Cache:
    """What a decoder remembers of the text it has read.

    Attributes:
        mask: (B, S) bool, the real tokens among those read.
        layers: one memory per block.
    """

    mask: Tensor
    layers: list[Memory]


class Decoder(nn.Module):
    """Predicts the next token at each position.

    Args:
        vocabulary: V, number of entries of the tokenizer.
        width: D, of the hidden states.
        depth: number of blocks ``layer1``, ``layer2`` ...
        heads: attention heads per block.
        context: most tokens of one text.
        tied: one matrix serves as embedding and as classifier.
        multiple: matrices get rows up to a multiple of it, for speed; the logits leave these out, so that padded
            entries are never learnt, matched or sampled.

    Attributes:
        feature_layers: names of the blocks, each with outputs (B, L, D).

    Raises:
        ValueError: the heads do not divide the width.
    """

    def __init__(
        self,
        vocabulary: int,
        width: int,
        depth: int,
        heads: int,
        context: int,
        *,
        tied: bool = False,
        multiple: int = 1,
    ) -> None:
        super().__init__()
        check_heads(width, heads)
        self.vocabulary, self.context = vocabulary, context
        rows = -(-vocabulary // multiple) * multiple
        self.feature_layers = tuple(f"layer{number}" for number in range(1, depth + 1))
        self.embeddings = Embeddings(rows, width, context)
        for name in self.feature_layers:
            self.add_module(name, TextBlock(width, heads))
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, rows, bias=False)
        start_small(self)
        if tied:
            self.classifier.weight = self.embeddings.tokens.weight

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """(B, L) tokens and which of them are real, None for all -> (B, L, V) logits.

        Raises:
            ValueError: a text is longer than the context, or a token is outside the vocabulary.
        """
        return self.forward_cached(input_ids, attention_mask)[0]

    def forward_cached(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, cache: Cache | None = None
    ) -> tuple[Tensor, Cache]:
        """The logits of further tokens, (B, L, V), and the cache with these tokens added, which is changed in place.

        Args:
            input_ids: (B, L) tokens that follow those in the cache.
            attention_mask: (B, L), which of them are real; None is all.
            cache: of what was read before; None starts anew.
        """
        mask = torch.ones_like(input_ids, dtype=torch.bool) if attention_mask is None else attention_mask.bool()
        if cache is None:
            cache = Cache(mask[:, :0], [Memory() for _ in self.feature_layers])
        cache.mask = torch.cat([cache.mask, mask], 1)
        length = input_ids.shape[1]
        allowed = _causal(cache.mask, length)
        hidden = self.embeddings(input_ids, positions_of(cache.mask)[:, -length:])
        for name, memory in zip(self.feature_layers, cache.layers, strict=True):
            hidden = self.get_submodule(name)(hidden, allowed, memory)
        return self.classifier(self.norm(hidden))[..., : self.vocabulary], cache


def _causal(mask: Tensor, length: int) -> Tensor:
    """(B, 1, L, S): each of the last L tokens sees the real ones up to itself, and itself even if it is padding."""
    columns = torch.arange(mask.shape[1], device=mask.device)
    rows = columns[-length:, None]
    return ((mask[:, None] & (columns < rows)) | (columns == rows))[:, None]
