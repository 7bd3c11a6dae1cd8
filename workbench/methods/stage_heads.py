"""Small nets that let a stage in the middle of a student say what it thinks."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from workbench.methods.adapters import kernel_for
from workbench.models.blocks import BatchNorm2d, GlobalAverage, he_normal


def stage_head(maps: Tensor, halvings: int, width: int, classes: int) -> nn.Sequential:
    """From a stage's maps to logits: as many halvings as the later stages do, an average over positions, a linear layer.

    Args:
        maps: (B, C, H, W), of the stage.
        halvings: separable convolutions; none is a 1 x 1 convolution.
        width: channels of what is averaged.
        classes: of the logits.
    """
    inputs, kernel = maps.shape[1], kernel_for(maps)
    widths = [inputs * 2**step for step in range(halvings)] + [width]
    layers = [_separable(before, after, kernel) for before, after in pairwise(widths)]
    head = nn.Sequential(*(layers or [nn.Conv2d(inputs, width, 1)]), GlobalAverage(), nn.Linear(width, classes))
    he_normal(head)
    nn.init.trunc_normal_(head[-1].weight, std=0.02)
    nn.init.zeros_(head[-1].bias)
    return head.to(maps)


def _separable(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """Two depthwise separable convolutions with batch norm and rectifier, the first with stride 2."""
    layers: list[nn.Module] = []
    for stride, after in ((2, inputs), (1, outputs)):
        depthwise = nn.Conv2d(inputs, inputs, kernel, stride, kernel // 2, groups=inputs, bias=False)
        layers += [depthwise, nn.Conv2d(inputs, after, 1, bias=False), BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers)
