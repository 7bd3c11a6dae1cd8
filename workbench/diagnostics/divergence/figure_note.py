"""The line that says on the picture itself what is a reconstruction."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from workbench.diagnostics.divergence.measure_source import RECONSTRUCTION
from workbench.drawing import theme
from workbench.drawing.text import escaped

ROOM = 30
"""Pixels above the plot that the line needs."""


def note(made: go.Figure, provenance: Mapping[str, str]) -> go.Figure:
    """Write it in the upper left corner, if the provenance says so."""
    if RECONSTRUCTION in provenance.get("ours", ""):
        place = {"x": 0.01, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top"}
        font = {"size": theme.SMALL + 1, "color": theme.TEXT}
        made.update_layout(title={"text": escaped(RECONSTRUCTION), "font": font, "pad": {"t": 6, "l": 4}, **place})
    return made
