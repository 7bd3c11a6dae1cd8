"""Floating-point operations of whatever PyTorch runs, counted while it runs; a multiply-add is two.

PyTorch's own table of formulas is used: matrix products, convolutions and fused attention, which is nearly everything a
net does. Operations without a formula (activations, normalisations, optimiser steps) count nothing; the few large ones
among them are named, so that a count that misses them says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

UNKNOWN = ("rnn", "lstm", "gru", "_native_multi_head_attention", "_transformer_encoder_layer_fwd")


class FlopCounter(TorchDispatchMode):
    """Counts the operations that run inside it, by who asked for them and in which direction.

    Attributes:
        who: to whom what runs now belongs.
        flops: by ``who`` and direction, such as ``student forward``.
        uncounted: large operations without a formula.
    """

    def __init__(self, who: str) -> None:
        """Nothing counted yet."""
        super().__init__()
        self.who, self.flops, self.uncounted = who, Counter(), set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation as it would have run, and count it."""
        kwargs = kwargs or {}
        packet = func._overloadpacket
        if packet not in flop_registry and torch.is_inference_mode_enabled() and func._can_decompose():
            with self:  # in inference mode, products arrive here before they are taken apart
                return func.decompose(*args, **kwargs)
        out = func(*args, **kwargs)
        if packet in flop_registry:
            backward = torch._C._current_autograd_node() is not None
            direction = "backward" if backward else "forward"
            self.flops[f"{self.who} {direction}"] += flop_registry[packet](*args, **kwargs, out_val=out)
        elif any(word in str(packet) for word in UNKNOWN):
            self.uncounted.add(str(packet))
        return out

    @contextmanager
    def asking(self, who: str) -> Iterator[None]:
        """What runs inside belongs to somebody else."""
        before, self.who = self.who, who
        try:
            yield
        finally:
            self.who = before


def flops_of(act: Callable[[], object], who: str = "model") -> dict[str, float]:
    """Run something and count its operations, such as ``{"model forward": 303104}``.

    Example:
        >>> flops_of(lambda: torch.ones(2, 3) @ torch.ones(3, 4))
        {'model forward': 48}
    """
    with FlopCounter(who) as counter:
        act()
    return dict(counter.flops)
