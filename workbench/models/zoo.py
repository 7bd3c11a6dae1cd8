"""The nets that CIFAR distillation tables compare, by the names those tables use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import nn

from workbench.models import mobilenet_v2, resnet, shuffle_v1, shuffle_v2, vgg, wrn
from workbench.models.layers import nearest

NETS: Mapping[str, Callable[..., nn.Module]] = MappingProxyType(
    {
        make.__name__: make
        for make in (
            *(resnet.resnet8, resnet.resnet14, resnet.resnet20, resnet.resnet32, resnet.resnet44, resnet.resnet56),
            *(resnet.resnet110, resnet.resnet8x4, resnet.resnet32x4, resnet.resnet50),
            *(wrn.wrn_16_1, wrn.wrn_16_2, wrn.wrn_40_1, wrn.wrn_40_2),
            *(vgg.vgg8, vgg.vgg11, vgg.vgg13),
            *(mobilenet_v2.mobilenet_v2, shuffle_v1.shuffle_v1, shuffle_v2.shuffle_v2),
        )
    }
)
"""Every factory takes ``classes`` (100) and ``channels`` (3)."""


def net(name: str) -> Callable[..., nn.Module]:
    """The factory of that name.

    Raises:
        ValueError: there is none; the message lists those there are, nearest first.
    """
    if name not in NETS:
        raise ValueError(f"no net {name!r}; nets, nearest first: {nearest(name, NETS)}")
    return NETS[name]
