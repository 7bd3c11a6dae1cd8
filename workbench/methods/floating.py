"""Inputs that can be moved a little."""

from __future__ import annotations

from torch import Tensor


def floating(inputs: object, method: str) -> Tensor:
    """The inputs, if they are one floating-point tensor.

    Raises:
        TypeError: they are not; ``method`` names who needs it.
    """
    if isinstance(inputs, Tensor) and inputs.is_floating_point():
        return inputs
    kind = str(inputs.dtype) if isinstance(inputs, Tensor) else type(inputs).__name__
    raise TypeError(f"inputs are {kind}; {method} takes gradients with respect to one floating-point tensor")
