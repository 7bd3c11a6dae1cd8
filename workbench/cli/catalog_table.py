"""Tables of what the package holds: their columns, and their copies in the README, which are never written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

UNKNOWN = {"cost": "not measured"}
"""What stands where an entry does not say something."""


@dataclass(frozen=True)
class CatalogTable:
    """One table.

    Attributes:
        name: in the marks around its copy.
        columns: each head with its field in the listing.
    """

    name: str
    columns: Mapping[str, str]

    @property
    def marks(self) -> tuple[str, str]:
        """The lines before and after the copy."""
        return f"<!-- {self.name}: begin -->", f"<!-- {self.name}: end -->"

    def rows(self, listing: Iterable[Mapping[str, Any]]) -> list[list[str]]:
        """The cells."""
        return [[str(entry[field] or UNKNOWN.get(field, "")) for field in self.columns.values()] for entry in listing]

    def markdown(self, listing: Iterable[Mapping[str, Any]]) -> str:
        """The table as the README has it, between its marks."""
        begin, end = self.marks
        heads = [_line(list(self.columns)), _line(["---"] * len(self.columns))]
        return "\n".join([begin, *heads, *map(_line, self.rows(listing)), end])

    def rewritten(self, text: str, listing: Iterable[Mapping[str, Any]]) -> str:
        """A text with the table between its marks made anew.

        Raises:
            ValueError: the marks are not there once each, in this order.
        """
        first, last = self.marks
        before, begin, rest = text.partition(first)
        _, end, after = rest.partition(last)
        if not (begin and end) or first in rest:
            raise ValueError(
                f"the table is written between {first!r} and {last!r}, once each; put these two lines into the file"
            )
        return before + self.markdown(listing) + after


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
