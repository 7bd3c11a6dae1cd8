"""Small convolutional nets for images of 8 to 32 pixels."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from workbench.models.blocks import GlobalAverage, conv_bn_relu


class ConvNet(nn.Sequential):
    """Stages of one convolution each, halving the image between them, and a linear classifier.

    Args:
        channels: 1 for grey images, 3 for colour.
        widths: channels of the stages ``layer1``, ``layer2`` ...; the image needs 2 ** (stages - 1) pixels a side.
        classes: number of classes.

    Attributes:
        feature_layers: names of the stages.

    Raises:
        ValueError: no widths are given.
    """

    def __init__(self, channels: int, widths: Sequence[int], classes: int) -> None:
        if not widths:
            raise ValueError("a ConvNet needs the width of at least one stage, such as widths=(16, 32)")
        layers = OrderedDict[str, nn.Module]()
        for number, (before, width) in enumerate(zip((channels, *widths), widths, strict=False), 1):
            halve = [nn.MaxPool2d(2)] if number > 1 else []
            layers[f"layer{number}"] = nn.Sequential(*halve, *conv_bn_relu(before, width, kernel=3))
        super().__init__(OrderedDict(**layers, pool=GlobalAverage(), classifier=nn.Linear(widths[-1], classes)))
        self.feature_layers = tuple(layers)
