"""Residual nets for 32-pixel images, in the shapes the distillation literature compares.

After He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2, with projection shortcuts; the
widths (``x4`` and ``resnet50`` too) are those of Tian et al., "Contrastive Representation Distillation", ICLR 2020.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from workbench.models.blocks import GlobalAverage, conv_bn, conv_bn_relu, he_normal

NARROW = (16, 16, 32, 64)
WIDE = (32, 64, 128, 256)


class Residual(nn.Module):
    """``relu(body(x) + shortcut(x))``, where the shortcut is a projection if the shape changes."""

    def __init__(self, body: Sequence[nn.Module], inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        same = stride == 1 and inputs == outputs
        self.body = nn.Sequential(*body)
        self.shortcut = nn.Identity() if same else nn.Sequential(*conv_bn(inputs, outputs, stride=stride))
        self.rectifier = nn.ReLU(inplace=True)  # a module, so that what enters it can be traced

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        return self.rectifier(self.body(features) + self.shortcut(features))


def basic(inputs: int, outputs: int, stride: int) -> Residual:
    """A block of two 3 x 3 convolutions."""
    body = [*conv_bn_relu(inputs, outputs, 3, stride), *conv_bn(outputs, outputs, 3)]
    return Residual(body, inputs, outputs, stride)


def bottleneck(inputs: int, outputs: int, stride: int) -> Residual:
    """A block of 1 x 1, 3 x 3 and 1 x 1 convolutions, a quarter as wide inside."""
    inner = outputs // 4
    body = [*conv_bn_relu(inputs, inner), *conv_bn_relu(inner, inner, 3, stride), *conv_bn(inner, outputs)]
    return Residual(body, inputs, outputs, stride)


class ResNet(nn.Sequential):
    """A stem, stages ``layer1`` ... of residual blocks that halve the image from the second on, and a classifier.

    Args:
        block: makes a block from its input width, output width and stride.
        widths: of the stem and of every stage.
        blocks: number of blocks of every stage.
        classes: number of classes.
        channels: of the images.

    Attributes:
        feature_layers: names of the stages.
    """

    def __init__(
        self,
        block: Callable[[int, int, int], Residual],
        widths: Sequence[int],
        blocks: Sequence[int],
        classes: int = 100,
        channels: int = 3,
    ) -> None:
        stages = OrderedDict[str, nn.Module]()
        for number, (before, width, count) in enumerate(zip(widths[:-1], widths[1:], blocks, strict=True), 1):
            first = block(before, width, 1 if number == 1 else 2)
            stages[f"layer{number}"] = nn.Sequential(first, *(block(width, width, 1) for _ in range(count - 1)))
        stem = nn.Sequential(*conv_bn_relu(channels, widths[0], 3))
        head = {"pool": GlobalAverage(), "classifier": nn.Linear(widths[-1], classes)}
        super().__init__(OrderedDict(stem=stem, **stages, **head))
        self.feature_layers = tuple(stages)
        he_normal(self)


def basic_resnet(depth: int, widths: Sequence[int], classes: int = 100, channels: int = 3) -> ResNet:
    """A net of ``depth`` weighted layers in three stages of basic blocks.

    Raises:
        ValueError: ``depth`` is not 6n + 2.
    """
    if depth < 8 or depth % 6 != 2:
        raise ValueError(f"depth {depth} is not 6n + 2, such as 8, 14, 20, 32, 44, 56 or 110")
    return ResNet(basic, widths, [depth // 6] * 3, classes, channels)


def resnet8(classes: int = 100, channels: int = 3) -> ResNet:
    """8 layers, widths 16-16-32-64."""
    return basic_resnet(8, NARROW, classes, channels)


def resnet14(classes: int = 100, channels: int = 3) -> ResNet:
    """14 layers, widths 16-16-32-64."""
    return basic_resnet(14, NARROW, classes, channels)


def resnet20(classes: int = 100, channels: int = 3) -> ResNet:
    """20 layers, widths 16-16-32-64."""
    return basic_resnet(20, NARROW, classes, channels)


def resnet32(classes: int = 100, channels: int = 3) -> ResNet:
    """32 layers, widths 16-16-32-64."""
    return basic_resnet(32, NARROW, classes, channels)


def resnet44(classes: int = 100, channels: int = 3) -> ResNet:
    """44 layers, widths 16-16-32-64."""
    return basic_resnet(44, NARROW, classes, channels)


def resnet56(classes: int = 100, channels: int = 3) -> ResNet:
    """56 layers, widths 16-16-32-64."""
    return basic_resnet(56, NARROW, classes, channels)


def resnet110(classes: int = 100, channels: int = 3) -> ResNet:
    """110 layers, widths 16-16-32-64."""
    return basic_resnet(110, NARROW, classes, channels)


def resnet8x4(classes: int = 100, channels: int = 3) -> ResNet:
    """8 layers, widths 32-64-128-256."""
    return basic_resnet(8, WIDE, classes, channels)


def resnet32x4(classes: int = 100, channels: int = 3) -> ResNet:
    """32 layers, widths 32-64-128-256."""
    return basic_resnet(32, WIDE, classes, channels)


def resnet50(classes: int = 100, channels: int = 3) -> ResNet:
    """50 layers of bottleneck blocks in four stages, with a 3 x 3 stem instead of the ImageNet one."""
    return ResNet(bottleneck, (64, 256, 512, 1024, 2048), (3, 4, 6, 3), classes, channels)
