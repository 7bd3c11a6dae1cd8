"""The board with a menu of the scale by which its rows are ordered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import ipywidgets as widgets

from workbench.diagnostics.board.measure import SCALES, Board
from workbench.widgets.picture_frame import PictureFrame


def panel(result: Board) -> BoardPanel:
    """A board whose rows can be ordered by any scale.

    Args:
        result: of ``board_of``.
    """
    return BoardPanel(result)


class BoardPanel(PictureFrame):
    """A menu of scales over the picture of a board.

    Args:
        result: what is shown.
        order: scale by which the rows are ordered; as the study has them if empty.

    Attributes:
        order: the menu.
    """

    def __init__(self, result: Board, order: str = "") -> None:
        """Shows the board in the order of the study."""
        options = [("the study", ""), *((words, scale) for scale, (words, _) in SCALES.items())]
        self.order = widgets.Dropdown(options=options, value=order, description="order by")
        self.order.layout, self.order.style = {"width": "auto", "max_width": "30em"}, {"description_width": "5em"}
        super().__init__("Every arm on every scale", result, [self.order], order=order)
        self.order.observe(lambda _: self.refresh(order=self.order.value), "value")

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same board."""
        return {"order": self.order.value}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], result: Board) -> Self:
        """The inverse of ``state``."""
        return cls(result, state["order"])
