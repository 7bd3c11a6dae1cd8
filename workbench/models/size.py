"""How big a model is."""

from __future__ import annotations

from torch import nn


def parameters(module: nn.Module) -> int:
    """Number of trainable and frozen parameters; a shared one counts once, buffers do not count."""
    return sum(p.numel() for p in module.parameters())
