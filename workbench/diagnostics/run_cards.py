"""The cards of chosen test samples of a run, and the panels whose pictures choose them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any, Self

import ipywidgets as widgets
import numpy as np

from workbench.diagnostics.run_gallery import run_gallery, setting_of
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.settings.setting import Setting
from workbench.widgets.gallery import Gallery
from workbench.widgets.panel_style import panel_style
from workbench.widgets.plot_view import PlotView
from workbench.widgets.unblocked import unblock


class RunCards(widgets.VBox):
    """A line that says which samples these are, and their cards.

    Args:
        setting: of the runs; made again from the catalogue if None.

    Attributes:
        gallery: the cards; None before the first run.
        selection: the samples shown.
    """

    def __init__(self, setting: Setting | None = None) -> None:
        """Empty until a run is shown."""
        self._setting, self._asked, self._caption = setting, setting is not None, widgets.HTML()
        self.gallery: Gallery | None = None
        self.selection = Selection(np.zeros(0, np.int64), "nothing")
        self._callbacks: list[Callable[[Selection], object]] = []
        super().__init__([self._caption], layout={"width": "100%"})

    def on_selection(self, callback: Callable[[Selection], object]) -> None:
        """Call back with the samples of every ``show``."""
        self._callbacks.append(callback)

    def show(self, run: Run, selection: Selection, words: str = "") -> None:
        """Show these samples of a run, in their order; a line alone where there are none.

        Args:
            run: with the outputs of its teacher.
            selection: ids of its test samples.
            words: said beside the name.
        """
        self.selection = selection
        count = f"{len(selection):,} of {len(run.test_ids):,} samples"
        self._caption.value = f'<div class="wb-hint"><b>{escape(selection.name)}</b>: {count}. {escape(words)}</div>'
        self.children = [self._caption, *([self._cards(run)] if len(selection) else [])]
        for callback in self._callbacks:
            callback(selection)

    def _cards(self, run: Run) -> Gallery:
        temperature = 1.0
        if self.gallery is not None:
            temperature = self.gallery.temperature
            self.gallery.close()
        if not self._asked:  # once: making a setting again reads its data
            self._setting, self._asked = setting_of(run), True
        self.gallery = run_gallery(run, self._setting, self.selection, temperature)
        self.gallery.show(self.selection)
        return self.gallery


def hints(texts: Sequence[str]) -> str:
    """HTML: each text as a line of its own."""
    return "".join(f'<div class="wb-hint">{escape(text)}</div>' for text in texts)


class CardsPanel(widgets.VBox):
    """A picture and menus that choose a run and some of its test samples, which are shown as cards.

    A subclass makes its menus, then calls ``_arrange``; ``_clicked`` moves the menus, ``_show`` shows what they say.

    Args:
        result: behind the picture.
        setting: of the runs; made again from the catalogue if None.
    """

    def __init__(self, result: Any, setting: Setting | None) -> None:
        """Nothing is shown yet."""
        self.result, self.cards, self._busy = result, RunCards(setting), False
        super().__init__(layout={"width": "100%"})
        self.add_class("wb-panel")

    @property
    def selection(self) -> Selection:
        """The samples that are shown."""
        return self.cards.selection

    def on_selection(self, callback: Callable[[Selection], object]) -> None:
        """Call back with the samples of every choice."""
        self.cards.on_selection(callback)

    @classmethod
    def from_state(cls, state: Mapping[str, Any], result: Any, setting: Setting | None = None) -> Self:
        """The inverse of ``state``."""
        return cls(result, setting, state)

    def _arrange(self, title: str, picture: PlotView, below: Sequence[widgets.Widget]) -> None:
        head = widgets.HTML(f'<div class="wb-head">{title} (test samples)</div>')
        self.children = [panel_style(), head, *below]
        picture.on_click(self._clicked)
        unblock(self)

    @contextmanager
    def _moving(self) -> Iterator[None]:
        """Several menus move, and the samples are shown once."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
        self._moved()

    def _moved(self) -> None:
        """A menu has another value."""
        if not self._busy:
            self._show()

    @abstractmethod
    def _clicked(self, point: Mapping[str, Any]) -> None:
        """Move the menus to what a point of the picture stands for."""

    @abstractmethod
    def _show(self) -> None:
        """Show the samples that the menus name."""
