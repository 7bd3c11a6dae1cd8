"""A named set of samples, so that a brush in one panel can drive any other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Selection:
    """Sample ids and a name; an empty selection means nothing is brushed."""

    ids: np.ndarray
    name: str = "brushed"

    def __len__(self) -> int:
        """How many samples."""
        return len(self.ids)

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it."""
        return {"name": self.name, "ids": [int(i) for i in self.ids]}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Selection:
        """The inverse of ``state``."""
        return cls(np.asarray(state["ids"], np.int64), state["name"])
