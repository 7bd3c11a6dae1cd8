"""HTML in which everything is escaped unless it was made here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def html(part: object) -> Markup:
    """HTML as it is, anything else escaped."""
    return part if isinstance(part, Markup) else Markup(escape(str(part)))


def join(parts: list[Markup] | tuple[Markup, ...]) -> Markup:
    """Parts one after another."""
    return Markup("\n".join(parts))


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element; a trailing underscore of an attribute's name is dropped, as in ``class_``.

    Example:
        >>> tag("p", "a < b", class_="note")
        '<p class="note">a &lt; b</p>'
    """
    given = "".join(f' {key.rstrip("_")}="{escape(str(value))}"' for key, value in attributes.items())
    if name in ("img", "meta"):
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{''.join(html(child) for child in children)}</{name}>")


def table(head: tuple[object, ...], rows: Sequence[tuple[object, ...]]) -> Markup:
    """A table that scrolls in its own box where the page is narrow; the first column heads its rows."""
    top = tag("tr", *(tag("th", cell, scope="col") for cell in head))
    body = [tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows]
    return tag("div", tag("table", tag("thead", top), tag("tbody", *body)), class_="wide")


def facts(pairs: dict[str, object]) -> Markup:
    """A list of names and values; empty values are left out."""
    shown = [(tag("dt", name), tag("dd", value)) for name, value in pairs.items() if value not in ("", None)]
    return tag("dl", *(part for pair in shown for part in pair))


def section(title: str, *children: object) -> Markup:
    """A titled part of the page."""
    return tag("section", tag("h2", title), *children)
