"""The numbers of a ``Confusion``, each beside what it is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.diagnostics.confusion.measure_similarity import NAMES

if TYPE_CHECKING:
    from workbench.diagnostics.confusion.measure import Confusion

BETWEEN_ROWS = ("cosine", "soft_iou")
"""Means over classes whose standard deviation is told."""


def rows_of(found: Confusion) -> list[dict[str, Any]]:
    """One row per number; what is not known is NaN."""
    rows = []
    for name in NAMES:
        here, by_chance = getattr(found, name), found.null[name]
        row: dict[str, Any] = {"quantity": name, "value": here.mean, "low": here.low, "high": here.high}
        row["sd over classes"] = float(getattr(found, f"{name}_sd")) if name in BETWEEN_ROWS else np.nan
        row |= {"shuffled low": by_chance.low, "shuffled high": by_chance.high, "p": found.p[name]}
        row |= {"disjoint halves": found.disjoint[name], "student's halves": found.repeatability[name]}
        row |= {"ceiling": found.ceiling.get(name, np.nan), "two teachers": found.teachers.get(name, np.nan)}
        rows.append(row | {f"{other_of(found)} form": found.other[name]})
    return rows


def other_of(found: Confusion) -> str:
    """The mode that ``other`` is of."""
    return "paper" if found.mode == "corrected" else "corrected"
