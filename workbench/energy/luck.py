"""Monte Carlo draws of energy estimates; the error of one meter is the same in all stages (fully correlated)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from workbench.energy.component import LADDER, Component


class Luck:
    """Draws of where inside its range each method lies; the same place for everything it says.

    Args:
        draws: how many.
        seed: of the draws.
    """

    def __init__(self, draws: int, seed: int) -> None:
        """One position in (0, 1) per method and draw."""
        generator = np.random.default_rng(seed)
        self.draws = draws
        self._positions = {method: generator.random(draws) for method in LADDER}

    def joules(self, components: Iterable[Component]) -> np.ndarray:
        """(draws,) sums of components that have a value."""
        return sum((self._drawn(each) for each in components), np.zeros(self.draws))

    def _drawn(self, component: Component) -> np.ndarray:
        """The triangular distribution over its range with the peak at its value."""
        low, value, high = component.low_j, component.value_j, component.high_j
        u, width = self._positions[component.method], component.high_j - component.low_j
        if width <= 0:
            return np.full(self.draws, value)
        rising = low + np.sqrt(u * width * (value - low))
        falling = high - np.sqrt((1 - u) * width * (high - value))
        return np.where(u < (value - low) / width, rising, falling)
