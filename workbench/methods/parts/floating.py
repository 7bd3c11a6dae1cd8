"""Inputs that can be moved a little."""

from __future__ import annotations

from torch import Tensor


def floating(inputs: object, use: str) -> Tensor:
    """The inputs, if they are one floating-point tensor.

    Args:
        inputs: whatever a batch has.
        use: who does what with them, as in ``ard moves``; the message goes on from there.

    Raises:
        TypeError: they are not.
    """
    if isinstance(inputs, Tensor) and inputs.is_floating_point():
        return inputs
    kind = str(inputs.dtype) if isinstance(inputs, Tensor) else type(inputs).__name__
    raise TypeError(f"inputs are {kind}; {use} one floating-point tensor")
