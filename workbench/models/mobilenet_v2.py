"""MobileNetV2 at half width for 32-pixel images.

After Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, Table 2, with plain rectifiers,
no stride in the second row and no dropout, as in Tian et al., ICLR 2020.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from workbench.models.blocks import GlobalAverage, conv_bn, conv_bn_relu, he_normal

EXPANSION = 6
TOP = 1280
# stage -> rows of (expansion, width, blocks, stride)
ROWS = {
    "layer1": ((1, 16, 1, 1), (EXPANSION, 24, 2, 1)),
    "layer2": ((EXPANSION, 32, 3, 2),),
    "layer3": ((EXPANSION, 64, 4, 2), (EXPANSION, 96, 3, 1)),
    "layer4": ((EXPANSION, 160, 3, 2), (EXPANSION, 320, 1, 1)),
}


class InvertedResidual(nn.Module):
    """Widen, convolve every channel alone, narrow without a rectifier; added to its input if the shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        self.body = nn.Sequential(
            *conv_bn_relu(inputs, inner), *conv_bn_relu(inner, inner, 3, stride, inner), *conv_bn(inner, outputs)
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride), not rectified."""
        return features + self.body(features) if self.residual else self.body(features)


class MobileNetV2(nn.Sequential):
    """A stem of stride 2, four stages of inverted residuals, and a classifier on 1280 channels.

    Args:
        width: of the stem and the stages, relative to the paper.
        classes: number of classes.
        channels: of the images.
    """

    feature_layers = tuple(ROWS)

    def __init__(self, width: float, classes: int = 100, channels: int = 3) -> None:
        before = int(32 * width)
        layers = OrderedDict[str, nn.Module](stem=nn.Sequential(*conv_bn_relu(channels, before, 3, stride=2)))
        for name, rows in ROWS.items():
            blocks: list[nn.Module] = []
            for expansion, full, count, stride in rows:
                for position in range(count):
                    outputs = int(full * width)
                    blocks.append(InvertedResidual(before, outputs, stride if position == 0 else 1, expansion))
                    before = outputs
            layers[name] = nn.Sequential(*blocks)
        layers["top"] = nn.Sequential(*conv_bn_relu(before, TOP))
        super().__init__(OrderedDict(**layers, pool=GlobalAverage(), classifier=nn.Linear(TOP, classes)))
        he_normal(self)
        nn.init.normal_(self.classifier.weight, std=0.01)
        nn.init.zeros_(self.classifier.bias)


def mobilenet_v2(classes: int = 100, channels: int = 3) -> MobileNetV2:
    """Half width."""
    return MobileNetV2(0.5, classes, channels)
