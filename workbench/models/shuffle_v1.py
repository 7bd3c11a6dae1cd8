"""ShuffleNet for 32-pixel images.

After Zhang et al., "ShuffleNet", CVPR 2018, Table 1 (three groups), with a 1 x 1 stem that keeps the size, as in Tian et
al., ICLR 2020.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.models.blocks import ChannelShuffle, GlobalAverage, conv_bn, conv_bn_relu

GROUPS = 3
STEM = 24
WIDTHS = (240, 480, 960)
BLOCKS = (4, 8, 4)


class ShuffleUnit(nn.Module):
    """Grouped 1 x 1, shuffle, depthwise 3 x 3, grouped 1 x 1; added to its input, or at stride 2 set beside it."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.halving = stride == 2
        made = outputs - inputs if self.halving else outputs
        inner = made // 4
        groups = 1 if inputs == STEM else GROUPS
        self.body = nn.Sequential(
            *conv_bn_relu(inputs, inner, groups=groups),
            ChannelShuffle(groups),
            *conv_bn_relu(inner, inner, 3, stride, inner),
            *conv_bn(inner, made, groups=GROUPS),
        )
        self.shortcut = nn.AvgPool2d(3, stride=2, padding=1) if self.halving else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        made, kept = self.body(features), self.shortcut(features)
        return F.relu(torch.cat([made, kept], 1) if self.halving else made + kept, inplace=True)


class ShuffleNetV1(nn.Sequential):
    """A stem and three stages of units, each of which halves the image first."""

    feature_layers = ("layer1", "layer2", "layer3")

    def __init__(self, classes: int = 100, channels: int = 3) -> None:
        layers = OrderedDict[str, nn.Module](stem=nn.Sequential(*conv_bn_relu(channels, STEM)))
        for name, before, width, count in zip(self.feature_layers, (STEM, *WIDTHS[:-1]), WIDTHS, BLOCKS, strict=True):
            rest = (ShuffleUnit(width, width, 1) for _ in range(count - 1))
            layers[name] = nn.Sequential(ShuffleUnit(before, width, 2), *rest)
        super().__init__(OrderedDict(**layers, pool=GlobalAverage(), classifier=nn.Linear(WIDTHS[-1], classes)))


def shuffle_v1(classes: int = 100, channels: int = 3) -> ShuffleNetV1:
    """Full width, three groups."""
    return ShuffleNetV1(classes, channels)
