"""What the panel of an attribution asks: a run brought back once, and what it has said already."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workbench.diagnostics.attribution.measure import Attribution, attribution
from workbench.diagnostics.attribution.measure_maps import collected
from workbench.diagnostics.attribution.measure_source import Source
from workbench.records.run import Run
from workbench.settings.setting import Setting

KEPT = 200
"""Answers about single samples that are remembered."""


class Asker:
    """Explains samples of one run with any choices; what was asked before costs nothing.

    Args:
        result: what is known already.
        run: it is of.
        setting: of the run, if it is not of the catalogue.
        control: the run it was compared with, if one.

    Attributes:
        source: the models and the data.
        ids: of all test samples.
    """

    def __init__(self, result: Attribution, run: Run, setting: Setting | None, control: Run | None) -> None:
        """Brings the models back to life."""
        self.source = Source.of(run, setting, control)
        self.ids = frozenset(self.source.setting.test.ids.tolist())
        self._base, self._known = result, dict[str, Attribution]()

    def one(self, id: int, choices: Mapping[str, Any]) -> Attribution:
        """The maps of one sample; the base result itself where that holds it.

        Raises:
            ValueError: these choices do not fit; the message says what does.
        """
        plan = self._base.plan | dict(choices)
        if plan == self._base.plan and id in self._base.ids:
            return self._base
        key = json.dumps([id, plan])
        if key not in self._known:
            while len(self._known) >= KEPT:
                self._known.pop(next(iter(self._known)))
            self._known[key] = self.every([id], choices)
        return self._known[key]

    def every(
        self, ids: Sequence[int], choices: Mapping[str, Any], tell: Callable[[float, str], object] | None = None
    ) -> Attribution:
        """The maps of several samples, with their numbers.

        Raises:
            ValueError: these choices do not fit; the message says what does.
        """
        plan = self.source.plan(self._base.plan | dict(choices))
        data, look = self.source.samples(ids), self.source.setting.look
        return attribution(
            collected(self.source.models, data, self.source.pool, plan, look, tell), plan, **self.source.words
        )

    def use(self, result: Attribution) -> None:
        """Start from another result."""
        self._base = result
