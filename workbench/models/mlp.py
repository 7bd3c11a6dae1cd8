"""Fully connected nets for vectors and small images."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn


class MLP(nn.Sequential):
    """Flattens its inputs and classifies them through rectified hidden layers.

    Args:
        inputs: numbers per sample.
        hidden: widths of the hidden layers ``layer1``, ``layer2`` ...; none makes a linear classifier.
        classes: number of classes.
        dropout: share of hidden units dropped while training.

    Attributes:
        feature_layers: names of the hidden layers.
    """

    def __init__(self, inputs: int, hidden: Sequence[int], classes: int, dropout: float = 0.0) -> None:
        widths = [inputs, *hidden]
        layers = OrderedDict[str, nn.Module](flatten=nn.Flatten())
        for number, (before, width) in enumerate(zip(widths, hidden, strict=False), 1):
            drop = [nn.Dropout(dropout)] if dropout else []
            layers[f"layer{number}"] = nn.Sequential(nn.Linear(before, width), nn.ReLU(), *drop)
        layers["classifier"] = nn.Linear(widths[-1], classes)
        super().__init__(layers)
        self.feature_layers = tuple(f"layer{number}" for number in range(1, len(widths)))
