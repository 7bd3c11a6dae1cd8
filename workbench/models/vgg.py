"""VGG nets with batch normalisation for 32-pixel images.

After Simonyan and Zisserman, "Very Deep Convolutional Networks", ICLR 2015, Table 1; one linear layer instead of three
and an image of 4 x 4 in the last two stages, as in Tian et al., ICLR 2020, who added ``vgg8``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from workbench.models.blocks import GlobalAverage, he_normal

WIDTHS = (64, 128, 256, 512, 512)


class VGG(nn.Sequential):
    """A stem and four stages of 3 x 3 convolutions; the image is halved before the first three stages.

    Args:
        convolutions: how many of them, in the stem and in every stage.
        classes: number of classes.
        channels: of the images.
    """

    feature_layers = ("layer1", "layer2", "layer3", "layer4")

    def __init__(self, convolutions: Sequence[int], classes: int = 100, channels: int = 3) -> None:
        layers = OrderedDict[str, nn.Module]()
        names = ("stem", *self.feature_layers)
        for name, before, width, count in zip(names, (channels, *WIDTHS[:-1]), WIDTHS, convolutions, strict=True):
            halve = [nn.MaxPool2d(2)] if name in self.feature_layers[:3] else []
            more = [part for _ in range(count - 1) for part in _convolution(width, width)]
            layers[name] = nn.Sequential(*halve, *_convolution(before, width), *more)
        super().__init__(OrderedDict(**layers, pool=GlobalAverage(), classifier=nn.Linear(WIDTHS[-1], classes)))
        he_normal(self)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.zeros_(layer.bias)
        nn.init.normal_(self.classifier.weight, std=0.01)
        nn.init.zeros_(self.classifier.bias)


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def vgg8(classes: int = 100, channels: int = 3) -> VGG:
    """One convolution per stage."""
    return VGG((1, 1, 1, 1, 1), classes, channels)


def vgg11(classes: int = 100, channels: int = 3) -> VGG:
    """Configuration A of the paper."""
    return VGG((1, 1, 2, 2, 2), classes, channels)


def vgg13(classes: int = 100, channels: int = 3) -> VGG:
    """Configuration B of the paper."""
    return VGG((2, 2, 2, 2, 2), classes, channels)
