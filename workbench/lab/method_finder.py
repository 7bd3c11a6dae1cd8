"""Finds a method of the catalogue: by family, by words, or by looking down the list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import ipywidgets as widgets

from workbench.methods.catalog import catalog, family_of
from workbench.methods.declared import declared
from workbench.methods.method import Method

EVERY = "all families"
ROWS = 9


class MethodFinder(widgets.VBox):
    """A box for words, a menu of families, and the methods that fit both.

    Args:
        on_choice: called with the key of a method when the user chooses it in the list.
        chosen: a key; the first of the list if it is not there.
        task: only methods that accept its outputs; all of them if None.
        without: keys that are not offered.

    Attributes:
        words: what is searched for, in names, aliases, titles, authors, years and what a method reads.
        family: the chosen one, or all.
        found: the list.
    """

    def __init__(
        self,
        on_choice: Callable[[str], object],
        chosen: str = "",
        task: str | None = None,
        without: tuple[str, ...] = (),
    ) -> None:
        """Shows all methods of the task."""
        offered = {key: cls for key, cls in catalog().items() if key not in without}
        self._known = {key: _words(key, cls) for key, cls in offered.items() if task is None or task in cls.tasks}
        self._on_choice, self._changing = on_choice, False
        families = sorted({family_of(catalog()[key]) for key in self._known})
        wide = {"width": "auto", "min_width": "0"}
        self.words = widgets.Text(placeholder="search: a name, a year, 'penultimate' ...", layout=wide)
        self.family = widgets.Dropdown(options=[EVERY, *families], layout=wide)
        options = [(_line(key), key) for key in self._known]
        start = chosen if chosen in self._known else next(iter(self._known))
        self.found = widgets.Select(options=options, value=start, rows=ROWS, layout=wide)
        self.count = widgets.HTML()
        super().__init__([self.words, self.family, self.found, self.count], layout=_place())
        for field in (self.words, self.family):
            field.observe(lambda _: self._narrow(), "value")
        self.found.observe(lambda change: self._chosen(change["new"]), "value")
        self._say()

    @property
    def value(self) -> str:
        """The key of the method that is chosen in the list; empty where nothing fits."""
        return self.found.value or ""

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it."""
        return {"words": self.words.value, "family": self.family.value, "method": self.value}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put words, family and choice where they were."""
        self.words.value, self.family.value = state["words"], state["family"]
        if state["method"] in dict(self.found.options).values():
            self.found.value = state["method"]

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"MethodFinder({len(self.found.options)} of {len(self._known)} methods, {self.value or 'none'} chosen)"

    def _narrow(self) -> None:
        wanted, family, before = self.words.value.lower().split(), self.family.value, self.found.value
        fits = [
            key
            for key, text in self._known.items()
            if family in (EVERY, family_of(catalog()[key])) and all(word in text for word in wanted)
        ]
        self._changing = True
        self.found.options = [(_line(key), key) for key in fits]
        self.found.value = before if before in fits else fits[0] if fits else None
        self._changing = False
        self._say()
        if self.found.value not in (None, before):
            self._on_choice(self.found.value)

    def _chosen(self, key: str | None) -> None:
        if key is not None and not self._changing:
            self._say()
            self._on_choice(key)

    def _say(self) -> None:
        shown, every = len(self.found.options), len(self._known)
        text = f"{shown} of {every} methods" if shown else "no method has all these words; clear some of them"
        whole = f"<br>{escape(_line(self.value))}" if self.value else ""  # the list cuts long rows
        self.count.value = f'<div class="wb-hint">{text}{whole}</div>'


def _words(key: str, cls: type[Method]) -> str:
    cited, said = cls.citation, declared(cls)
    parts = (key, key.replace("_", " "), *cls.aliases, str(cited), said.summary, cls.reads.text, family_of(cls))
    return " ".join(parts).lower()


def _line(key: str) -> str:
    cited = catalog()[key].citation
    return f"{key} \u2013 {cited.venue} {cited.year}, {cited.title}"


def _place() -> dict[str, str]:
    return {"flex": "1 1 20em", "min_width": "0", "max_width": "46em"}
