"""All colours and sizes of the figures, and the template that carries them.

Backgrounds are transparent and text and lines are greys in the middle, so that a figure reads on a light page and on a
dark one. Every party keeps one colour and one dash wherever it appears; colours are told apart with any kind of colour
vision, and dashes without any.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import plotly.graph_objects as go

CLEAR = "rgba(0,0,0,0)"
TEXT = "#757575"
GRID = "rgba(128,128,128,0.22)"
LINE = "rgba(128,128,128,0.55)"
HOVER = "#303030"
HOVER_TEXT = "#f5f5f5"

FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
SIZE, TITLE_SIZE, SMALL = 12, 14, 10
WIDTH, MARKER = 2, 7
MARGIN = {"l": 56, "r": 22, "t": 44, "b": 48}


class Style(NamedTuple):
    """How one party, or one kind of thing, is drawn.

    Attributes:
        color: of its lines and marks.
        dash: of its lines.
        symbol: of its marks.
    """

    color: str
    dash: str
    symbol: str


TEACHER = Style("#3a8dc4", "longdashdot", "diamond")
STUDENT = Style("#d55e00", "solid", "circle")
CONTROL = Style("#0a9e78", "dash", "square")
AGREEMENT = Style("#b565a7", "solid", "cross")
OTHER = Style("#8c8c8c", "dashdot", "x")
PARTIES = {"teacher": TEACHER, "student": STUDENT, "control": CONTROL, "agreement": AGREEMENT}

# Petroff's ten (arXiv:2107.02270), its greys last; more classes than colours repeat them.
CLASSES = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#92dadd"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#94a4a2"),
)
SYMBOLS = ("circle", "diamond", "square", "cross", "x", "triangle-up", "star", "pentagon", "hexagon", "bowtie")
TERMS = ("#eda211", "#8b6fd8", "#1fa3b5", "#b9ac70", "#bd1f01", "#a96b59", "#94a4a2")

STAGES = {  # of a run, where its energy goes
    "warm_up": "#94a4a2",
    "preparation": "#b9ac70",
    "teacher_training": "#3a8dc4",
    "teacher_outputs": "#92dadd",
    "assistant_training": "#8b6fd8",
    "student": "#d55e00",
    "evaluation": "#717581",
}
OUTCOMES = {"both_right": "#94a4a2", "student_only": "#0a9e78", "teacher_only": "#d55e00", "both_wrong": "#717581"}
DARK_TEXT = "#222222"  # on the cells of a heat map, which are opaque and light on either page
SEQUENTIAL = ((0.0, "#fdebdd"), (1.0, "#e8792b"))
FLAT = ((0.0, "#d3d8da"), (1.0, "#d3d8da"))
STATUS = {"ok": "#0a9e78", "look": "#c98a0c", "wrong": "#bd1f01", "not applicable": "#8c8c8c"}
DIVERGING = ((0.0, "rgba(63,144,218,0.75)"), (0.5, CLEAR), (1.0, "rgba(255,169,14,0.75)"))
SIGNED = ((0.0, "#2470b3"), (0.5, "#f4f2ee"), (1.0, "#d9630c"))  # opaque, for maps with a sign
LOG_AXIS: dict[str, Any] = {"type": "log", "nticks": 4, "tickformat": "~g"}  # whole numbers, few over many decades
GREYS = ((0.0, "#1b1b1b"), (1.0, "#f2f2f2"))


def style(party: str) -> Style:
    """How a party is drawn; parties beyond the usual ones look alike and are told apart by their names."""
    return PARTIES.get(party, OTHER)


def line(party: str) -> dict[str, Any]:
    """A line in a party's colour and dash."""
    return {"color": style(party).color, "dash": style(party).dash, "width": WIDTH}


def marker(party: str, size: int = MARKER) -> dict[str, Any]:
    """A mark in a party's colour and form."""
    return {"color": style(party).color, "symbol": style(party).symbol, "size": size}


def term_color(position: int) -> str:
    """The colour of a loss term; the same term has the same one for student and control."""
    return TERMS[position % len(TERMS)]


def class_color(label: int) -> str:
    """The colour of a class."""
    return CLASSES[label % len(CLASSES)]


def canvas(title: str = "", height: int = 320, **layout: Any) -> go.Figure:
    """An empty figure in the workbench's template."""
    made = go.Figure(layout={"template": TEMPLATE, "height": height, **layout})
    if title:
        made.update_layout(title_text=title)
    return made


def _template() -> go.layout.Template:
    axis = {
        "automargin": True,
        "gridcolor": GRID,
        "linecolor": LINE,
        "zerolinecolor": GRID,
        "tickcolor": LINE,
        "ticks": "outside",
        "ticklen": 4,
        "title": {"standoff": 8, "font": {"size": SIZE}},
    }
    legend = {
        "orientation": "h",
        "x": 0.02,
        "xanchor": "left",
        "xref": "container",
        "y": 0,
        "yanchor": "bottom",
        "yref": "container",
    }
    hover = {"bgcolor": HOVER, "bordercolor": LINE, "font": {"color": HOVER_TEXT, "size": SIZE, "family": FONT}}
    title = {"x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top"}
    layout = go.Layout(
        font={"family": FONT, "size": SIZE, "color": TEXT},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        margin=MARGIN,
        colorway=list(CLASSES),
        title={**title, "pad": {"t": 10, "l": 12}, "font": {"size": TITLE_SIZE}},
        legend={**legend, "bgcolor": CLEAR, "bordercolor": CLEAR, "font": {"size": SIZE}},
        hoverlabel={**hover, "namelength": -1},
        xaxis=axis,
        yaxis=axis,
        modebar={"bgcolor": CLEAR, "color": LINE, "activecolor": TEXT, "remove": ["sendChartToCloud"]},
    )
    return go.layout.Template(layout=layout)


TEMPLATE = _template()
