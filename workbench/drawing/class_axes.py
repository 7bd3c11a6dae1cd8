"""Axes of a table of classes: their names, as many as can be read."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from workbench.drawing import theme
from workbench.drawing.text import label

NAMED_UP_TO = 20


def class_axes(made: go.Figure, class_names: tuple[str, ...], titles: tuple[str, str], longest: int, col: int) -> None:
    """Name the classes of a table in the first row; every k-th where there are too many, the first at the top left.

    Args:
        made: the figure.
        class_names: of both axes.
        titles: above the columns, and beside the rows.
        longest: letters of a name.
        col: of the table.
    """
    ticks = list(range(0, len(class_names), -(-len(class_names) // NAMED_UP_TO)))
    names = [label(class_names[k], longest) for k in ticks]
    axis: dict[str, Any] = {"tickvals": ticks, "ticktext": names, "showgrid": False, "zeroline": False}
    axis |= {"tickfont_size": theme.SMALL, "row": 1, "col": col}
    ends = [-0.5, len(class_names) - 0.5]
    angle = 0 if max(map(len, names)) <= 3 else -90
    made.update_xaxes(title_text=titles[0], side="top", tickangle=angle, range=ends, **axis)
    made.update_yaxes(title_text=titles[1], range=ends[::-1], **axis)
