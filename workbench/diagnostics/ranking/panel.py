"""Our ranking beside any published column: a menu of the columns that share two methods or more with the study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import ipywidgets as widgets

from workbench.data.reference import table_of
from workbench.diagnostics.ranking.measure import Ranking, columns_for, ranking_of
from workbench.records.study import Study
from workbench.widgets.picture_frame import PictureFrame


def panel(result: Ranking, study: Study) -> RankingPanel:
    """A ranking and the columns it can be laid beside.

    Args:
        result: shown first.
        study: it was made of.
    """
    return RankingPanel(result, study)


class RankingPanel(PictureFrame):
    """A menu of published columns over the picture of a ranking.

    Args:
        result: shown first.
        study: it was made of; another column asks it again.

    Attributes:
        column: the menu.
    """

    def __init__(self, result: Ranking, study: Study) -> None:
        """Shows the ranking as it is."""
        self._study = study
        options = [(f"{key}: {table_of(key).columns[key]}", key) for key in columns_for(study)]
        self.column = widgets.Dropdown(options=options, value=result.column, description="published")
        self.column.layout, self.column.style = {"width": "auto", "max_width": "40em"}, {"description_width": "6em"}
        super().__init__("Our ranking beside a published one", result, [self.column])
        self.column.observe(lambda _: self._move(), "value")

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same study."""
        return {"column": self.column.value, "seed": self.result.seed}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], study: Study) -> Self:
        """The inverse of ``state``."""
        return cls(ranking_of(study, state["column"], seed=state["seed"]), study)

    def _move(self) -> None:
        seed = self.result.seed
        self.refresh(lambda: ranking_of(self._study, self.column.value, seed=seed))
        self.view.height = int(self.view.figure.layout.height)
