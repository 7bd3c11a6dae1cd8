"""Turning the cards of the catalogue: a list with a search box, and the card of what is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from threading import RLock
from typing import Any, Self

import ipywidgets as widgets

from workbench.lab.method_finder import MethodFinder
from workbench.reports.method_card import MethodCard, card
from workbench.widgets.panel_style import panel_style
from workbench.widgets.unblocked import unblock


def panel(shown: MethodCard) -> MethodCardPanel:
    """All cards of the catalogue, beginning with this one."""
    return MethodCardPanel(shown)


class MethodCardPanel(widgets.VBox):
    """A finder, and the card of the method that is chosen in it.

    Args:
        shown: the first card; it may be that of one's own method.

    Attributes:
        card: what is shown now; ``card`` alone in a cell stays in a saved notebook.
        finder: the list and its search box.
    """

    def __init__(self, shown: MethodCard) -> None:
        """Made once; a choice changes the text of one element."""
        self._turn = RLock()
        self.card, self._text = shown, widgets.HTML(layout={"width": "100%"})
        self.finder = MethodFinder(self.show, chosen=shown.name)
        head = widgets.HTML('<div class="wb-head">Methods of the catalogue</div>')
        super().__init__([panel_style(), head, self.finder, self._text], layout={"width": "100%"})
        self.add_class("wb-panel")
        self._text.value = shown._repr_html_()
        unblock(self)

    def show(self, key: str) -> None:
        """Show the card of a method."""
        with self._turn:
            self.card = card(key)
            self._text.value = self.card._repr_html_()

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it."""
        return self.finder.state()

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The inverse of ``state``."""
        made = cls(card(state["method"] or "kd"))
        made.finder.restore(state)
        return made

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"MethodCardPanel({escape(self.card.name)})"
