"""The published tables that come with the project, what was seen when rows were run again, and hyper-parameters.

The files are ``data/reference/*.json``; where each number comes from stands beside it. ``key`` is what the catalogue calls
a row: a method (``dkd``), a sum (``wttm+crd``), one with parameters (``dkd(transform=standardize)``), two
ways to write it with a bar between them, or None.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from workbench.data.shipped import shipped
from workbench.records.published import Cell, HyperParameter, Pair, Reproduced, Sighting, Table

FOLDER = "reference"
SPREAD, NUMBERS, ENERGY = "reproduction_spread", "hyper_parameters", "energy_stages"


def references() -> tuple[str, ...]:
    """The names of the tables."""
    names = sorted(path.stem for path in shipped(FOLDER).glob("*.json"))
    return tuple(name for name in names if name not in (SPREAD, NUMBERS, ENERGY))


@cache
def reference(name: str) -> Table:
    """A table by name.

    Raises:
        KeyError: no such table; the message lists them.
    """
    if name not in references():
        raise KeyError(f"no reference table {name!r}; there are {', '.join(references())}")
    found = _read(name)
    cells = tuple(Cell(**{**cell, "value": _number(cell["value"]), "also": _also(cell)}) for cell in found["cells"])
    columns = {key: Pair(**pair) for key, pair in found["columns"].items()}
    return Table(name, **{**found, "notes": tuple(found["notes"]), "columns": columns, "cells": cells})


def table_of(column: str) -> Table:
    """The table in which a column stands; their names are unique over all tables.

    Raises:
        KeyError: in none; the message lists all columns.
    """
    tables = [reference(name) for name in references()]
    for table in tables:
        if column in table.columns:
            return table
    known = "; ".join(f"{table.name}: {', '.join(table.columns)}" for table in tables)
    raise KeyError(f"no published column {column!r}; there are {known}")


@cache
def reproductions() -> tuple[Reproduced, ...]:
    """Every method and pair of which more than one number is known."""
    rows = _read(SPREAD)["rows"]
    return tuple(Reproduced(**{**row, "sightings": tuple(Sighting(**s) for s in row["sightings"])}) for row in rows)


def sightings_of(cell: Cell) -> tuple[Sighting, ...]:
    """What else was reported of a cell, its own score among it; nothing where that stands alone."""
    for found in reproductions():
        if (found.method, found.column) == (cell.method, cell.column):
            return found.sightings
    return (Sighting(cell.value, by=cell.source), *cell.also) if cell.also else ()


def causes() -> tuple[str, ...]:
    """What those who ran a method again blame for the differences."""
    return tuple(_read(SPREAD)["causes"])


@cache
def hyper_parameters(method: str | None = None) -> tuple[HyperParameter, ...]:
    """Every published number, or those of one method.

    Args:
        method: as the tables call it.

    Raises:
        KeyError: none is known of that method; the message lists the methods.
    """
    every = tuple(HyperParameter(**{**e, "value": _frozen(e["value"])}) for e in _read(NUMBERS)["entries"])
    found = tuple(each for each in every if method in (None, each.method))
    if not found:
        known = dict.fromkeys(each.method for each in every)
        raise KeyError(f"no published hyper-parameters of {method!r}; there are those of {', '.join(known)}")
    return found


def _read(name: str) -> dict[str, Any]:
    return json.loads(shipped(f"{FOLDER}/{name}.json").read_text(encoding="utf-8"))


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _also(cell: Mapping[str, Any]) -> tuple[Sighting, ...]:
    known = {field.name for field in fields(Sighting)}
    named = ({**other, "by": other["source"]} for other in cell.get("also", ()))
    return tuple(Sighting(**{name: value for name, value in other.items() if name in known}) for other in named)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
