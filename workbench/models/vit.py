"""A tiny vision transformer.

After Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021, Eq. 1 to 4. Its attention weights are traced as
``layer1.attention:attention``, (B, heads, L, L), where token 0 is the class token and the others are the patches row by
row.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

WIDEN = 4


class EncoderBlock(nn.Module):
    """Self-attention and a perceptron, each on normalised inputs and added to them."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm2 = nn.LayerNorm(width)
        self.perceptron = nn.Sequential(nn.Linear(width, WIDEN * width), nn.GELU(), nn.Linear(WIDEN * width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, L, D), the same shape out."""
        queries = self.norm1(tokens)
        tokens = tokens + self.attention(queries, queries, queries, need_weights=False)[0]
        return tokens + self.perceptron(self.norm2(tokens))


class ViT(nn.Module):
    """Classifies an image by the class token that attended to its patches.

    Args:
        size: pixels a side of the image.
        patch: pixels a side of a patch.
        width: D, of the tokens.
        depth: number of blocks ``layer1``, ``layer2`` ...
        heads: attention heads per block.
        classes: number of classes.
        channels: of the images.

    Attributes:
        feature_layers: names of the blocks, each with outputs (B, 1 + patches, D).

    Raises:
        ValueError: the patches do not tile the image, or the heads do not divide the width.
    """

    def __init__(
        self, size: int, patch: int, width: int, depth: int, heads: int, classes: int, channels: int = 3
    ) -> None:
        super().__init__()
        if size % patch or width % heads:
            raise ValueError(f"patch {patch} must divide size {size}, and heads {heads} must divide width {width}")
        self.feature_layers = tuple(f"layer{number}" for number in range(1, depth + 1))
        self.patches = nn.Conv2d(channels, width, patch, stride=patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, 1 + (size // patch) ** 2, width))
        for name in self.feature_layers:
            self.add_module(name, EncoderBlock(width, heads))
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """(B, channels, size, size) -> (B, C) logits."""
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(images), -1, -1), tokens], 1) + self.positions
        for name in self.feature_layers:
            tokens = self.get_submodule(name)(tokens)
        return self.classifier(self.norm(tokens)[:, 0])
