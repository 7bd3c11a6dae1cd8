"""What notices that a row of the database is not the one that was stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.engine.store.errors import CorruptRow
from workbench.engine.store.tables import as_text

UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)
"""What a damaged row makes of its decoding."""


def checksum(row: Mapping[Any, Any], scores: Iterable[Mapping[str, Any]] = ()) -> str:
    """SHA-256 of the values of a row and of the rows of its scores, the same before and after they were stored."""
    own = {key: value for key, value in row.items() if key not in ("checksum", "scores")}
    plain = json.loads(as_text([own, *scores]))  # as JSON keeps it: keys are texts, tuples are lists
    values = [_as_kept(plain[0]), *sorted(map(_as_kept, plain[1:]), key=lambda each: str(each["party"]))]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def check(row: Mapping[str, Any]) -> None:
    """Refuse a row, with its ``scores`` if it has some, that has changed since it was stored.

    Raises:
        CorruptRow: so; the message names it.
    """
    if row["checksum"] != checksum(row, row.get("scores", ())):
        raise damaged(row["id"], "its content has changed since it was stored")


def damaged(name: str, why: object) -> CorruptRow:
    """The error about one row."""
    return CorruptRow(f"the row of {name} in the database is damaged: {why}; delete it to have it computed again")


def _as_kept(row: Mapping[str, Any]) -> dict[str, Any]:
    """With numbers as a database gives them back, which may turn 90 into 90.0 and -0.0 into 0.0."""
    numbers = {key: value + 0.0 for key, value in row.items() if isinstance(value, int | float)}
    return {**row, **numbers}
