"""How groups of models are drawn: teachers and controls as everywhere, the first other group as the student."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.figures import theme

CONTROL = "labels_only"
DASHES = ("dash", "dot", "longdash", "dashdot")


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
