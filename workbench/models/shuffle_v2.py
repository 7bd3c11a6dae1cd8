"""ShuffleNetV2 for 32-pixel images.

After Ma et al., "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design", ECCV 2018, Table 5 (1x), with
a 1 x 1 stem that keeps the size, as in Tian et al., ICLR 2020.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from workbench.models.blocks import ChannelShuffle, GlobalAverage, conv_bn, conv_bn_relu

STEM = 24
WIDTHS = (116, 232, 464)
BLOCKS = (4, 8, 4)
TOP = 1024


class SplitUnit(nn.Module):
    """Half of the channels pass, the other half are convolved; then all are shuffled."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.body = nn.Sequential(
            *conv_bn_relu(half, half), *conv_bn(half, half, 3, groups=half), *conv_bn_relu(half, half)
        )
        self.shuffle = ChannelShuffle(2)

    def forward(self, features: Tensor) -> Tensor:
        """(B, width, H, W), the same shape out."""
        kept, worked = features.chunk(2, dim=1)
        return self.shuffle(torch.cat([kept, self.body(worked)], 1))


class HalvingUnit(nn.Module):
    """Two branches, both of which halve the image and see all channels; then all are shuffled."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.plain = nn.Sequential(*conv_bn(inputs, inputs, 3, 2, inputs), *conv_bn_relu(inputs, half))
        self.body = nn.Sequential(
            *conv_bn_relu(inputs, half), *conv_bn(half, half, 3, 2, half), *conv_bn_relu(half, half)
        )
        self.shuffle = ChannelShuffle(2)

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / 2, W / 2)."""
        return self.shuffle(torch.cat([self.plain(features), self.body(features)], 1))


class ShuffleNetV2(nn.Sequential):
    """A stem, three stages of units, each of which halves the image first, and a classifier on 1024 channels."""

    feature_layers = ("layer1", "layer2", "layer3")

    def __init__(self, classes: int = 100, channels: int = 3) -> None:
        layers = OrderedDict[str, nn.Module](stem=nn.Sequential(*conv_bn_relu(channels, STEM)))
        for name, before, width, count in zip(self.feature_layers, (STEM, *WIDTHS[:-1]), WIDTHS, BLOCKS, strict=True):
            layers[name] = nn.Sequential(HalvingUnit(before, width), *(SplitUnit(width) for _ in range(count - 1)))
        layers["top"] = nn.Sequential(*conv_bn_relu(WIDTHS[-1], TOP))
        super().__init__(OrderedDict(**layers, pool=GlobalAverage(), classifier=nn.Linear(TOP, classes)))


def shuffle_v2(classes: int = 100, channels: int = 3) -> ShuffleNetV2:
    """Full width."""
    return ShuffleNetV2(classes, channels)
