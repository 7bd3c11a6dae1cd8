"""PyTorch's global random numbers, which all threads of a process share."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

TURN = threading.RLock()
"""Whoever sets the global state holds it: without turns, two runs in two threads would draw each other's numbers."""


@contextmanager
def kept(devices: Sequence[int] = ()) -> Iterator[None]:
    """Whatever is drawn inside, the global state is the same afterwards; never yield an event in here.

    Args:
        devices: CUDA devices whose state is kept as well.
    """
    with TURN, torch.random.fork_rng(devices=list(devices)):
        yield
