"""Wide residual nets for 32-pixel images.

After Zagoruyko and Komodakis, "Wide Residual Networks", BMVC 2016, Table 1, without dropout.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from workbench.models.blocks import GlobalAverage, he_normal


class Preactivated(nn.Module):
    """Normalise, rectify, convolve, twice; a shortcut that changes the width starts after the first rectifier."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.shortcut = None if inputs == outputs else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride), not rectified."""
        active = F.relu(self.bn1(features), inplace=True)
        inner = F.relu(self.bn2(self.conv1(active)), inplace=True)
        return self.conv2(inner) + (features if self.shortcut is None else self.shortcut(active))


class WideResNet(nn.Sequential):
    """Three stages of preactivated blocks of widths 16, 32 and 64 times ``widen``.

    Args:
        depth: weighted layers, 6n + 4.
        widen: width relative to the thin net.
        classes: number of classes.
        channels: of the images.

    Raises:
        ValueError: ``depth`` is not 6n + 4.
    """

    feature_layers = ("layer1", "layer2", "layer3")

    def __init__(self, depth: int, widen: int, classes: int = 100, channels: int = 3) -> None:
        if depth < 10 or depth % 6 != 4:
            raise ValueError(f"depth {depth} is not 6n + 4, such as 16, 22, 28 or 40")
        widths = (16, 16 * widen, 32 * widen, 64 * widen)
        layers = OrderedDict[str, nn.Module](stem=nn.Conv2d(channels, widths[0], 3, 1, 1, bias=False))
        for number, (before, width) in enumerate(pairwise(widths), 1):
            first = Preactivated(before, width, 1 if number == 1 else 2)
            rest = (Preactivated(width, width, 1) for _ in range(depth // 6 - 1))
            layers[f"layer{number}"] = nn.Sequential(first, *rest)
        layers["activation"] = nn.Sequential(nn.BatchNorm2d(widths[-1]), nn.ReLU(inplace=True))
        layers["pool"] = GlobalAverage()
        layers["classifier"] = nn.Linear(widths[-1], classes)
        super().__init__(layers)
        he_normal(self)
        nn.init.zeros_(self.classifier.bias)


def wrn_16_1(classes: int = 100, channels: int = 3) -> WideResNet:
    """16 layers, single width."""
    return WideResNet(16, 1, classes, channels)


def wrn_16_2(classes: int = 100, channels: int = 3) -> WideResNet:
    """16 layers, double width."""
    return WideResNet(16, 2, classes, channels)


def wrn_40_1(classes: int = 100, channels: int = 3) -> WideResNet:
    """40 layers, single width."""
    return WideResNet(40, 1, classes, channels)


def wrn_40_2(classes: int = 100, channels: int = 3) -> WideResNet:
    """40 layers, double width."""
    return WideResNet(40, 2, classes, channels)
