"""The same interaction tensor with another threshold or fewer components, quickly enough to follow a slider.

What does not change is kept: the components and their correlations. Large tensors are rebuilt on evenly spread samples,
so that the numbers of features are exact and only the frequencies are those of fewer samples.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from workbench.diagnostics.interaction.measure import Interaction
from workbench.diagnostics.interaction.measure_assembly import Samples, assembled, other_form
from workbench.diagnostics.interaction.measure_construction import Construction
from workbench.diagnostics.interaction.measure_matches import Stack

MOST = 1_000_000
"""Activations that are looked at again at each move."""


class Reconstruction:
    """Rebuilds a tensor.

    Args:
        result: to start from.
        most: activations to look at; samples are left out evenly where there are more.

    Attributes:
        largest: the most components a model has.
        every: one in so many samples is looked at.
    """

    def __init__(self, result: Interaction, most: int = MOST) -> None:
        """Correlates the components once, and builds the other form once."""
        construction = Construction(**result.construction)
        self._used = result.share >= construction.least_share
        self._result, self._construction = result, replace(construction, orders=0, least_share=0.0)
        everything = result.stack().thinned(most)
        members = [result.members(g) for g in range(len(result.group_names))]
        about = {"share": result.share, "models": result.models}
        self._other = other_form(everything, about, result.mode, members)
        self._whole = everything.only(self._used)
        self.every = -(-result.n // self._whole.scores.shape[1])
        self.largest = int(self._whole.rank.max()) + 1
        self._part: tuple[int, Stack] = (self.largest, self._whole)

    def __call__(self, threshold: float, count: int) -> Interaction:
        """The tensor of the first so many components of each model at a threshold."""
        if count != self._part[0]:
            self._part = (count, self._whole.only(self._whole.rank < count))
        part, of, step = self._part[1], self._result, self.every
        kept = self._whole.rank < count
        about: dict[str, Any] = {"models": of.models, "group_names": of.group_names, "group": of.group}
        about |= {name: getattr(of, name)[self._used][kept] for name in ("share", "gap")}
        known = of.labels[::step] if (of.labels >= 0).all() else None
        samples = Samples(of.ids[::step], known, of.class_names)
        construction = replace(self._construction, threshold=threshold)
        values = assembled(part, about, samples, of.mode, construction, live=True)
        return Interaction(**values | self._other | {"confidence": of.confidence[:, ::step]})

    def chosen(self, found: Interaction, ids: np.ndarray) -> int:
        """The feature whose use stands out most on some samples, given by their ids; the first if none of them is known."""
        rows = np.isin(found.ids, ids)
        if not rows.any():
            return 0
        used = found.omega.union(range(len(found.models)))
        return int(np.argmax(used[:, rows].mean(axis=1) - used.mean(axis=1)))
