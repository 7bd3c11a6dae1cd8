"""How groups of models are drawn: teachers and controls as everywhere, the first other group as the student.

Every view of them says what it measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from workbench.drawing import theme

MEASURED = (
    "One model's count is there by construction: groups differ<br>in how far the components of their models coincide."
)
"""What the numbers really measure, in two lines beside the picture."""

CONTROL = "labels_only"
ROOM = 32
"""Pixels that the two lines need."""

DASHES = ("dash", "dot", "longdash", "dashdot")


def canvas(title: str, height: int, **layout: Any) -> go.Figure:
    """An empty figure whose title says what is measured."""
    note = {"text": MEASURED, "font": {"size": theme.SMALL + 1, "color": theme.TEXT}}
    made = theme.canvas(title, height + ROOM, margin_t=theme.MARGIN["t"] + ROOM, **layout)
    return made.update_layout(title_subtitle=note)


def styles(names: Sequence[str]) -> list[theme.Style]:
    """One style for each group, in their order."""
    found, others = [], 0
    for name in names:
        if name in ("teacher", CONTROL):
            found.append(theme.TEACHER if name == "teacher" else theme.CONTROL)
        else:
            found.append(theme.STUDENT if others == 0 else _further(others))
            others += 1
    return found


def _further(place: int) -> theme.Style:
    color, symbol = theme.class_color(place + 2), theme.SYMBOLS[place % len(theme.SYMBOLS)]
    return theme.Style(color, DASHES[place % len(DASHES)], symbol)
