"""Where the joules of one student went, as streams from arm to stage to device to how they are known."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

from workbench.diagnostics.energy.figure_units import Unit
from workbench.diagnostics.energy.measure import Energy
from workbench.drawing import theme
from workbench.drawing.text import label, sentence

LOOK = {"measured": theme.TEXT, "estimated": theme.LINE, "assumed": theme.GRID}
LANE, LEAST = 26, 120


def height(result: Energy) -> int:
    """Pixels, so that the names of the fullest column do not meet."""
    columns = zip(*(path for path, _ in _streams(result)), strict=True)
    return max(LEAST, LANE * max((len(set(column)) for column in columns), default=0))


def flow(result: Energy, unit: Unit) -> list[Any]:
    """The streams, and a trace without points that has the title below them drawn; a node stands once in its column, however many arms pass through it."""
    streams = _streams(result)
    nodes = list(dict.fromkeys((column, name) for path, _ in streams for column, name in enumerate(path)))
    links: dict[tuple[int, int], float] = {}
    for path, joules in streams:
        places = [nodes.index(step) for step in enumerate(path)]
        for pair in pairwise(places):
            links[pair] = links.get(pair, 0.0) + joules / unit.joules
    if not links:
        return []
    amount = f"%{{value:.3g}} {unit.name}<extra></extra>"
    return [
        go.Sankey(
            name="where it went",
            arrangement="snap",
            textfont={"color": theme.TEXT, "size": theme.SMALL, "family": theme.FONT, "shadow": "none"},
            node={
                "label": [label(name, 30) for _, name in nodes],
                "color": [_color(column, name) for column, name in nodes],
                "line": {"width": 0},
                "pad": 14,
                "thickness": 12,
                "hovertemplate": f"%{{label}}: {amount}",
            },
            link={
                "source": [source for source, _ in links],
                "target": [target for _, target in links],
                "value": [*links.values()],
                "color": theme.GRID,
                "hovertemplate": f"%{{source.label}}, %{{target.label}}: {amount}",
            },
        ),
        go.Scatter(x=[None], y=[None], hoverinfo="skip", showlegend=False),
    ]


def _streams(result: Energy) -> list[tuple[tuple[str, ...], float]]:
    """Names from left to right, and joules; a single arm needs no column of its own."""
    several = len(result.arms) > 1
    return [
        (
            (
                *([row["arm"]] if several else []),
                sentence(row["stage"]),
                f"{row['device']} of the {row['scope']}",
                row["status"],
            ),
            row["energy_j"],
        )
        for row in result.flows
        if row["energy_j"] > 0
    ]


def _color(column: int, name: str) -> Any:
    stages = {sentence(stage): color for stage, color in theme.STAGES.items()}
    return LOOK.get(name) or stages.get(name, theme.OTHER.color)
