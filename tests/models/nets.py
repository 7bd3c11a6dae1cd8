"""Nets of every make, of 4 inputs and 3 outputs: what users hand in."""

from __future__ import annotations

import warnings

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm


def plain() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))


def normed() -> nn.Module:
    return nn.Sequential(weight_norm(nn.Linear(4, 6)), nn.ReLU(), spectral_norm(nn.Linear(6, 3)))


def tied() -> nn.Module:
    net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Linear(4, 3))
    net[2].weight = net[0].weight
    return net


def scripted(net: nn.Module | None = None) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch calls its scripts deprecated
        return torch.jit.script(net or plain())


def traced() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.trace(plain().eval(), torch.zeros(2, 4))
