"""Maps of images on one sheet: a row per sample, a column per party, the input first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.attribution.measure import Attribution
from workbench.drawing import theme
from workbench.drawing.text import label, sentence
from workbench.records.wording import number

ROW, ALONE, REST = 128, 200, 120
GAP = 0.12  # of a map, between two of them
BELOW = 0.2  # of a map, for the number under it
SPLIT = ("at the label", "other classes")
MEANING = "orange raises the score, blue lowers it"


def sheet(result: Attribution, rows: Sequence[int]) -> go.Figure:
    """The maps of all parties; the cosine with the teacher's map stands below."""
    notes = {
        (row, party): f"cosine {number(result.similarity[result.measures.index('cosine'), p - 1, row])}"
        for row in rows
        for p, party in enumerate(result.parties)
        if p
    }
    maps = {party: result.maps[p] for p, party in enumerate(result.parties)}
    return _drawn(result, rows, maps, notes)


def parts(result: Attribution, rows: Sequence[int]) -> go.Figure:
    """The student's map of the divergence, and the two it is the sum of; what they add up to stands below."""
    student = result.maps[result.parties.index("student")]
    maps = {"both": student} | {name: result.part_maps[k] for k, name in enumerate(SPLIT)}
    notes = {(row, name): f"sum {maps[name][row].sum():+.3g}" for row in rows for name in maps}
    return _drawn(result, rows, maps, notes)


def _drawn(
    result: Attribution, rows: Sequence[int], maps: dict[str, np.ndarray], notes: dict[tuple[int, str], str]
) -> go.Figure:
    height, width = result.maps.shape[2:]
    down, right = height * (1 + GAP + BELOW), width * (1 + GAP)
    title = f"{sentence(result.plan['score'])} by {sentence(result.plan['attributor'])}"
    rest = ALONE if len(rows) == 1 else ROW * len(rows)
    made = theme.canvas(title, REST + rest, margin={"t": 76, "b": 40, "l": 20, "r": 10})
    for r, row in enumerate(rows):
        top = r * down
        made.add_trace(_input(result, row, top))
        for c, (name, shown) in enumerate(maps.items(), 1):
            made.add_trace(_map(result, shown[row], row, name, (top, c * right)))
            if text := notes.get((row, name)):
                place = {"x": c * right + (width - 1) / 2, "y": top + height - 0.5, "yanchor": "top"}
                made.add_annotation(text=text, showarrow=False, font_size=theme.SMALL, **place)
    middle = (width - 1) / 2
    names = ["input", *map(label, maps)]
    axis = {"showgrid": False, "zeroline": False, "ticks": "", "showline": False, "constrain": "domain"}
    made.update_xaxes(
        side="top",
        title={"text": MEANING, "font": {"size": theme.SMALL}, "standoff": 2},
        tickvals=[c * right + middle for c in range(len(names))],
        ticktext=names,
        range=[-0.5 - 0.05 * width, len(names) * right - GAP * width],
        **axis,
    )
    made.update_yaxes(
        tickvals=[r * down + (height - 1) / 2 for r in range(len(rows))],
        ticktext=[_name(result, row) for row in rows],
        range=[len(rows) * down - GAP * height, -0.5 - 0.05 * height],
        scaleanchor="x",
        **axis,
    )
    return made


def _input(result: Attribution, row: int, top: float) -> go.Heatmap | go.Image:
    image = result.inputs[row]
    name = f"sample {result.ids[row]}"
    if image.ndim == 3 and len(image) == 3:
        low, high = float(result.inputs.min()), float(result.inputs.max())
        colours = ((np.moveaxis(image, 0, -1) - low) * (255 / (high - low or 1))).round().astype(np.uint8)
        return go.Image(z=colours, x0=0, y0=top, hovertemplate="%{z}<extra></extra>", name=name)
    grey = image.reshape(-1, *image.shape[-2:]).mean(0)
    return go.Heatmap(
        z=grey,
        y0=top,
        dy=1,
        x0=0,
        dx=1,
        colorscale=theme.GREYS,
        showscale=False,
        hovertemplate=f"%{{z:.3g}}<extra>{name}</extra>",
    )


def _map(result: Attribution, shown: np.ndarray, row: int, name: str, place: tuple[float, float]) -> go.Heatmap:
    """Scaled to its own largest size, so that faint maps are seen too; the hover text holds the numbers."""
    largest = float(np.abs(shown).max())
    return go.Heatmap(
        z=shown,
        zmin=-(largest or 1.0),
        zmax=largest or 1.0,
        y0=place[0],
        dy=1,
        x0=place[1],
        dx=1,
        colorscale=theme.SIGNED,
        showscale=False,
        hovertemplate=f"%{{z:.3g}}<extra>{label(name)}, sample {result.ids[row]}</extra>",
    )


def _name(result: Attribution, row: int) -> str:
    """The label, and the class the teacher finds most likely beside it."""
    names = result.class_names
    return f"<b>{label(names[result.labels[row]], 14)}</b><br>then {label(names[result.dark[row]], 14)}"
