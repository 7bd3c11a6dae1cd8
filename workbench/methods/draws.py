"""Random numbers that belong to a step and a sample, so that a run can be resumed and the order of a batch does not matter."""

from __future__ import annotations

from torch import Generator, Tensor


def dice(seed: Tensor, turn: int | Tensor) -> Generator:
    """What a turn is drawn with; it depends on the seed of the run and the number of the turn alone."""
    return Generator().manual_seed(int(seed + turn))


def by_id(drawn: Tensor, ids: Tensor) -> Tensor:
    """Rows that were drawn for the ids in rising order, (B, ...) -> (B, ...), each where its id stands."""
    return drawn[ids.argsort().argsort()]
