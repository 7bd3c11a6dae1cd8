"""Figures as parts of an HTML page that needs no network: the library once, then any number of pictures."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.io import to_html
from plotly.offline import get_plotlyjs

CONFIG = {"responsive": True, "displaylogo": False, "showSendToCloud": False, "plotlyServerURL": ""}


def library() -> str:
    """Plotly's own JavaScript, to stand in one script element of the page."""
    return get_plotlyjs()


def embedded(figure: go.Figure, name: str) -> str:
    """The figure as an element, as wide as its place; ``name`` is its id on the page."""
    return to_html(figure, config=CONFIG, include_plotlyjs=False, full_html=False, div_id=name)
