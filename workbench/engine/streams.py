"""Separate seeded random streams, so that adapters or dropout never disturb initialisation or data order."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Generator, Tensor

from workbench.maths.randomness import TURN, all_kept, seed_all

DRAWN = ("data", "augment")
USED = ("method", "noise")


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """Global randomness starts from 0, the same each time, and goes back to what it was."""
    with all_kept(_cuda(device)):
        seed_all(0)
        yield


class Streams:
    """The random streams of one run.

    ``data`` orders the samples and ``augment`` draws views: generators that are passed on. ``method`` is the global
    randomness while adapters and banks are made, ``noise`` while models run (dropout). Initialisation has a stream per
    party, see ``initialising``.

    Args:
        seed: of the run; the streams are independent children of it.
        device: streams of a CUDA run keep the state of the CUDA generator as well.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        """Seeds them all."""
        self.seed, self.device = seed, device
        self.generators = {name: self.fresh(name) for name in DRAWN}
        self.states = {name: self.fresh(name).get_state() for name in USED}
        self.cuda: dict[str, Tensor] = {}

    def fresh(self, name: str) -> Generator:
        """A new generator that depends on the seed and the name only, whatever was drawn before."""
        return Generator().manual_seed(self._child(name))

    def _child(self, name: str) -> int:
        entropy = [self.seed, zlib.crc32(name.encode())]
        return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> 1)

    def __getitem__(self, name: str) -> Generator:
        """The generator of ``data`` or ``augment``."""
        return self.generators[name]

    @contextmanager
    def initialising(self, party: str) -> Iterator[None]:
        """Global randomness depends only on the seed and the party: the same student in every arm of a study."""
        with all_kept(_cuda(self.device)):
            seed_all(self._child(f"init/{party}"))
            yield

    @contextmanager
    def using(self, name: str) -> Iterator[None]:
        """Global randomness is ``method`` or ``noise`` and goes back to what it was; never yield an event in here."""
        with TURN:
            outside = torch.get_rng_state()
            torch.set_rng_state(self.states[name])
            cuda = self._enter_cuda(name)
            try:
                yield
            finally:
                self.states[name] = torch.get_rng_state()
                torch.set_rng_state(outside)
                if cuda is not None:
                    self.cuda[name] = torch.cuda.get_rng_state(self.device)
                    torch.cuda.set_rng_state(cuda, self.device)

    def _enter_cuda(self, name: str) -> Tensor | None:
        if self.device.type != "cuda":
            return None
        outside = torch.cuda.get_rng_state(self.device)
        if name in self.cuda:
            torch.cuda.set_rng_state(self.cuda[name], self.device)
        else:
            torch.cuda.manual_seed(self._child(name))
        return outside

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on from here."""
        drawn = {name: generator.get_state() for name, generator in self.generators.items()}
        return drawn | self.states | {f"cuda/{name}": state for name, state in self.cuda.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from there."""
        for name, tensor in state.items():
            if name.startswith("cuda/"):
                self.cuda[name.removeprefix("cuda/")] = tensor
            elif name in self.states:
                self.states[name] = tensor
            else:
                self.generators[name].set_state(tensor)


def _cuda(device: torch.device) -> list[int]:
    return [device.index or 0] if device.type == "cuda" else []
