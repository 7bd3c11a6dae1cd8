"""The table of the methods: its columns, and its copy in the README, which is never written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

COLUMNS = {
    "name": "name",
    "family": "family",
    "year": "year",
    "venue": "venue",
    "reads": "reads",
    "learns besides the student": "learns",
    "cost": "cost",
    "evidence": "evidence",
}
"""Each column with its field in the listing."""

UNKNOWN = {"cost": "not measured"}
"""What stands where a method does not say something."""

BEGIN, END = "<!-- methods: begin -->", "<!-- methods: end -->"


def rows(listing: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """The cells of the table."""
    return [[str(entry[field] or UNKNOWN.get(field, "")) for field in COLUMNS.values()] for entry in listing]


def markdown(listing: Iterable[Mapping[str, Any]]) -> str:
    """The table as the README has it, between its marks."""
    lines = [_line(list(COLUMNS)), _line(["---"] * len(COLUMNS)), *map(_line, rows(listing))]
    return "\n".join([BEGIN, *lines, END])


def rewritten(text: str, listing: Iterable[Mapping[str, Any]]) -> str:
    """A text with the table between its marks made anew.

    Raises:
        ValueError: the marks are not there once each, in this order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in rest:
        raise ValueError(
            f"the table is written between {BEGIN!r} and {END!r}, once each; put these two lines into the file"
        )
    return before + markdown(listing) + after


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
