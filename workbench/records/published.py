"""What others have published: scores in tables, what was seen when they were run again, and hyper-parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sighting:
    """One number that somebody reported.

    Attributes:
        value: the score; NaN where only a range is known, or none at all.
        spread: as printed after a plus-minus sign; NaN if there is none.
        low: lower end of a range; NaN if it is none.
        high: upper end.
        by: who reported it.
    """

    value: float = math.nan
    spread: float = math.nan
    low: float = math.nan
    high: float = math.nan
    by: str = ""

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest score it speaks of."""
        if not math.isnan(self.low):
            return self.low, self.high
        around = 0.0 if math.isnan(self.spread) else self.spread
        return self.value - around, self.value + around


@dataclass(frozen=True)
class Cell:
    """One published score.

    Attributes:
        method: the row's name in the table.
        column: the pair's.
        value: NaN where the source has none; ``note`` then says why.
        source: keys of ``Table.sources``, separated by semicolons.
        from_memory: True for a dagger: written down from memory, to be checked before it is published.
        note: what a reader must know.
        also: what other sources print.
    """

    method: str
    column: str
    value: float
    source: str
    from_memory: bool = False
    note: str = ""
    also: tuple[Sighting, ...] = ()


@dataclass(frozen=True)
class Pair:
    """What a column stands for.

    Attributes:
        about: what tells it from another column of the same pair.
    """

    teacher: str
    student: str
    dataset: str
    about: str = ""

    def __str__(self) -> str:
        """Teacher, student and data."""
        return f"{self.teacher} \u2192 {self.student}, {self.dataset}" + (f", {self.about}" if self.about else "")


@dataclass(frozen=True)
class Table:
    """One published table.

    Attributes:
        name: of its file.
        unit: of all scores, higher is better.
        schedule: how the students were trained.
        sources: where the numbers stand, by the short name the cells use.
        columns: by letter or name.
        methods: by the row's name, what the catalogue calls it.
        cells: all of them, row by row.
    """

    name: str
    title: str
    unit: str
    schedule: str
    notes: tuple[str, ...]
    sources: Mapping[str, str]
    columns: Mapping[str, Pair]
    methods: Mapping[str, str | None]
    cells: tuple[Cell, ...]

    def cell(self, method: str, column: str) -> Cell:
        """The score of a row in a column.

        Raises:
            KeyError: there is none; the message lists the rows of that column.
        """
        found = self.column(column)
        if method not in found:
            raise KeyError(f"{self.name} has no {method!r} in column {column!r}; it has {', '.join(found)}")
        return found[method]

    def column(self, column: str) -> dict[str, Cell]:
        """All cells of a column, by row.

        Raises:
            KeyError: no such column; the message lists them.
        """
        if column not in self.columns:
            raise KeyError(f"{self.name} has no column {column!r}; it has {', '.join(self.columns)}")
        return {cell.method: cell for cell in self.cells if cell.column == column}


@dataclass(frozen=True)
class Reproduced:
    """What was seen of one method on one pair.

    Attributes:
        method: as the tables call it.
        key: as the catalogue does.
        column: the pair's letter.
        sightings: the published one first.
        note: what may explain the differences.
    """

    method: str
    key: str
    column: str
    sightings: tuple[Sighting, ...]
    note: str = ""

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest score that was seen."""
        return min(s.ends[0] for s in self.sightings), max(s.ends[1] for s in self.sightings)


@dataclass(frozen=True)
class HyperParameter:
    """One number a published run was made with.

    Attributes:
        group: the list it stands in.
        value: a number, several, or a word.
        where: pairs, nets or data it holds for; empty for all.
        evidence: ``read``, ``memory`` or ``not stated``.
        source: of the number; empty where it is not stated.
    """

    group: str
    method: str
    key: str | None
    name: str
    value: float | str | tuple[float, ...]
    evidence: str
    where: str = ""
    source: str = ""


def matches(key: str | None, method: Mapping[str, Any]) -> bool:
    """Whether a method as a run or study records it, ``{"name": ..., "config": {...}}``, is what a key of a table means.

    Parameters in brackets must have these values, a logit transform must be named, and ``|`` stands between two ways to
    write the same.

    Example:
        >>> matches("dkd", {"name": "dkd", "config": {"beta": 2.0}})
        True
        >>> matches("dkd", {"name": "dkd", "config": {"transform": "standardize"}})
        False
    """
    return any(_means(each, method) for each in (key or "").split("|"))


def _means(key: str, method: Mapping[str, Any]) -> bool:
    name, _, rest = key.partition("(")
    if name != method["name"]:
        return False
    wanted = dict(part.split("=") for part in rest.rstrip(")").split(",") if part)
    config = method.get("config", {})
    changed = {key for key in config if key.rpartition(".")[2] == "transform" and config[key] is not None}
    return changed <= set(wanted) and all(str(config.get(name)) == value for name, value in wanted.items())
