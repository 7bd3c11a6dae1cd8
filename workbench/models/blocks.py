"""The pieces the image nets are built from."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class _OfOneToo(nn.Module):
    """Batch normalisation that takes a batch of one value per channel, which has no variance, by its running statistics."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, ...) normalised."""
        if not self.training or features.numel() > features.shape[1]:
            return super().forward(features)
        moments = self.running_mean, self.running_var
        return F.batch_norm(features, *moments, self.weight, self.bias, training=False, eps=self.eps)


class BatchNorm1d(_OfOneToo, nn.BatchNorm1d):
    """``nn.BatchNorm1d`` that takes batches of one, too."""


class BatchNorm2d(_OfOneToo, nn.BatchNorm2d):
    """``nn.BatchNorm2d`` that takes batches of one map of one position, too."""


def conv_bn(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution that keeps the size (at stride 1), without bias, and its batch normalisation."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, BatchNorm2d(outputs)]


def conv_bn_relu(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """``conv_bn`` and a rectifier that works in place."""
    return [*conv_bn(inputs, outputs, kernel, stride, groups), nn.ReLU(inplace=True)]


class GlobalAverage(nn.Module):
    """Mean over the image, (B, D, H, W) -> (B, D); unlike adaptive pooling it is deterministic on CUDA."""

    def forward(self, features: Tensor) -> Tensor:
        """The mean of every channel."""
        return features.mean((2, 3))


class ChannelShuffle(nn.Module):
    """Lets groups of channels meet: channel c of group g becomes channel g of group c."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, features: Tensor) -> Tensor:
        """(B, D, H, W) with its D channels reordered."""
        return features.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)


def he_normal(module: nn.Module) -> None:
    """Start all convolutions from N(0, 2 / (kernel area * outputs)), after He et al., ICCV 2015, Eq. 14."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
