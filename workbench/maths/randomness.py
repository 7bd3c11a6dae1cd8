"""Global random numbers, which all threads of a process share."""

from __future__ import annotations

import functools
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
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


@contextmanager
def all_kept(devices: Sequence[int] = ()) -> Iterator[None]:
    """As ``kept``, and the global states of numpy and Python as well: for code of the user's, whatever it draws from."""
    with kept(devices):
        states = np.random.get_state(), random.getstate()  # noqa: NPY002 - whatever the user's code draws from
        try:
            yield
        finally:
            np.random.set_state(states[0])  # noqa: NPY002 - likewise
            random.setstate(states[1])


@functools.cache
def _has_device() -> bool:
    return torch.cuda.is_available() or torch.backends.mps.is_available()


def seed_all(seed: int) -> None:
    """Seed the global randomness of PyTorch, numpy and Python."""
    if _has_device():
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)  # the plain one notes the call stack for absent devices
    np.random.seed(seed % 2**32)  # noqa: NPY002 - likewise
    random.seed(seed)
