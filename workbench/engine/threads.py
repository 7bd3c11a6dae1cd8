"""How many threads a run computes with: part of what makes its numbers repeatable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def use(threads: int | None) -> None:
    """Set the number of threads of PyTorch; None leaves it unchanged. Small nets are slower with more than one."""
    if threads is not None and torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


@contextmanager
def using(threads: int | None) -> Iterator[None]:
    """Context manager: set the number of threads, and restore it on exit."""
    before = torch.get_num_threads()
    use(threads)
    try:
        yield
    finally:
        use(before)
