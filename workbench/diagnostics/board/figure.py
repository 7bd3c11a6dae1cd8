"""Every arm of a study on every scale: a row per arm, a column per scale."""

from __future__ import annotations

import math

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.board.measure import SCALES, Board
from workbench.drawing import theme
from workbench.drawing.dots import lying
from workbench.drawing.text import label, sentence

HEADS = {
    "score": "score",
    "agreement": "agreement",
    "ece": "calibration<br>error",
    "divergence": "divergence,<br>nats",
    "flatness": "Hessian<br>trace",
    "energy": "energy, J",
}
ROW, ROOM = 34, 120
"""Pixels of a row, and of what stands around them."""


def figure(result: Board, *, order: str = "") -> go.Figure:
    """A dot with its interval for each arm and scale.

    Args:
        result: of ``board_of``.
        order: scale by which the rows are ordered, its wanted end first; as the study has them if empty.

    Raises:
        KeyError: no such scale.
    """
    scales = list(SCALES)
    made = make_subplots(1, len(scales), shared_yaxes=True, horizontal_spacing=0.025)
    made.update_layout(template=theme.TEMPLATE, height=ROOM + ROW * len(result.arms))
    rows = ordered(result, order)
    for column, scale in enumerate(scales, 1):
        cells = getattr(result, scale)
        for party, name in (("control", sentence(result.arms[0])), ("student", "methods")):
            heights = [height for height, place in enumerate(rows) if (place == 0) is (party == "control")]
            shown = [cells[rows[height]] for height in heights]
            dots = lying(shown, heights, name, party, legendgroup=party, showlegend=column == 1 and bool(heights))
            made.add_trace(dots, 1, column)
        if not any(math.isfinite(cell.mean) for cell in cells):
            made.update_xaxes(showticklabels=False, col=column)
        made.update_xaxes(title_text=f"{HEADS[scale]}{_direction(result, scale)}", nticks=4, col=column)
    names = [label(result.arms[place].replace("_", " "), 24) for place in rows]
    made.update_yaxes(tickvals=list(range(len(rows))), ticktext=names, range=[len(rows) - 0.5, -0.5], zeroline=False)
    return made


def ordered(result: Board, scale: str) -> list[int]:
    """The places of the arms from top to bottom; those without a number last.

    Raises:
        KeyError: no such scale.
    """
    if not scale:
        return list(range(len(result.arms)))
    if scale not in SCALES:
        raise KeyError(f"no scale {scale!r}; there are {', '.join(SCALES)}")
    sign = -1 if result.wanted(scale) == "highest" else 1
    means = [sign * cell.mean for cell in getattr(result, scale)]
    return sorted(range(len(means)), key=lambda place: (math.isnan(means[place]), means[place], place))


def _direction(result: Board, scale: str) -> str:
    return " \u2192" if result.wanted(scale) == "highest" else " \u2190"
