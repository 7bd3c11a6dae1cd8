"""Everything a run records while it goes, ready for curves and checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.records.run import Curve


class History:
    """Named quantities over student steps."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.points: dict[str, tuple[list[int], list[float]]] = {}

    def add(self, prefix: str, step: int, values: Mapping[str, float]) -> None:
        """One value of each name at a step."""
        for name, value in values.items():
            steps, numbers = self.points.setdefault(f"{prefix}/{name}", ([], []))
            steps.append(step)
            numbers.append(value)

    def curves(self) -> dict[str, Curve]:
        """As arrays."""
        return {name: Curve(np.array(steps), np.array(values)) for name, (steps, values) in self.points.items()}

    def state(self) -> dict[str, Any]:
        """As arrays in plain tuples."""
        return {name: (np.array(steps), np.array(values)) for name, (steps, values) in self.points.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.points = {name: (list(steps.tolist()), list(values.tolist())) for name, (steps, values) in state.items()}
