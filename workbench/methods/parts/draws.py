"""Random numbers keyed by step and sample id, so that resuming a run or reordering a batch changes nothing."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn


class Dice(nn.Module):
    """What a method draws with: it depends on a seed of the run and the number of the step alone; part of the state."""

    def __init__(self) -> None:
        """Step 0 of a run of seed 0."""
        super().__init__()
        self.register_buffer("seed", torch.tensor(0))
        self.register_buffer("step", torch.tensor(0))

    def reseed(self) -> None:
        """Draw the seed, under the current random state."""
        self.seed.copy_(torch.randint(2**31, ()))

    def thrown(self, turn: int | None = None) -> Generator:
        """A generator of this step's numbers, or of another turn's."""
        return Generator().manual_seed(int(self.seed + (self.step if turn is None else turn)))

    def advance(self) -> None:
        """The next step draws other numbers."""
        self.step += 1


def by_id(drawn: Tensor, ids: Tensor) -> Tensor:
    """Rows that were drawn for the ids in rising order, (B, ...) -> (B, ...), each where its id stands."""
    return drawn[ids.argsort().argsort()]
