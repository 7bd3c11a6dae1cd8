"""Refuse allocations of pairwise terms and memory banks that are too large."""

from __future__ import annotations

from torch import Tensor

LARGEST = 4 * 2**30
"""Bytes; a larger table is refused before it is made."""

SMALLER_BATCHES = "take smaller batches"
FEWER_CLASSES = "it is meant for fewer classes"


def refuse_larger(what: str, shape: tuple[int, ...], like: Tensor, remedy: str) -> None:
    """Refuse a table that cannot fit.

    Args:
        what: the table, for the message.
        shape: its shape.
        like: a tensor of its type.
        remedy: what would make it smaller, for the message.

    Raises:
        ValueError: it would take more than 4 GiB.
    """
    size = like.element_size()
    for length in shape:
        size *= length
    if size > LARGEST:
        numbers = " x ".join(f"{length:,}" for length in shape)
        raise ValueError(
            f"{what} of {numbers} numbers take {size / 2**30:.1f} GiB, more than {LARGEST / 2**30:.0f}; {remedy}"
        )
