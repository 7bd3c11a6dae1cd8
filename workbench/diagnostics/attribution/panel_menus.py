"""The menus of an attribution's panel, and its words."""

from __future__ import annotations

from typing import get_args

import ipywidgets as widgets

from workbench.diagnostics.attribution.measure import Attribution
from workbench.diagnostics.attribution.measure_plan import Attributor, ScoreName
from workbench.diagnostics.attribution.measure_scores import ABOUT

VIEWS = ("maps", "likeness", "divergence", "pairs")
EVERY = "all pairs"


def menus_of(result: Attribution, *, locked: bool) -> tuple[widgets.Widget, ...]:
    """View, score, attributor, pair of classes and sample, as the result has them; the last one is empty."""
    look = {"style": {"description_width": "5.5em"}, "layout": {"width": "26em", "max_width": "100%"}}
    view = widgets.ToggleButtons(options=VIEWS, style={"button_width": "8em"})
    scores = [(f"{name.replace('_', ' ')}: {ABOUT[name]}", name) for name in get_args(ScoreName)]
    score = widgets.Dropdown(options=scores, value=result.plan["score"], description="score", disabled=locked, **look)
    score.layout.width = "46em"
    ways = [(name.replace("_", " "), name) for name in get_args(Attributor)]
    given = {"value": result.plan["attributor"], "description": "attributor", "disabled": locked}
    attributor = widgets.Dropdown(options=ways, **given, **look)
    names = result.class_names
    pairs = [
        (f"{names[p['label']]}, then {names[p['other']]} ({p['n']})", f"{p['label']},{p['other']}")
        for p in result.pairs
    ]
    pair = widgets.Dropdown(options=[(EVERY, EVERY), *pairs], value=EVERY, description="classes", **look)
    return view, score, attributor, pair, widgets.Dropdown(options=[], description="sample", **look)


def words_of(result: Attribution, id: int) -> str:
    """A sample's name in a menu."""
    if id not in result.ids:
        return f"sample {id}"
    row, names = result.row_of(id), result.class_names
    return f"{id}: {names[result.labels[row]]}, then {names[result.dark[row]]}"


def numbers_of(found: Attribution, id: int) -> str:
    """The score of every party at the input and at the baseline, and how alike the maps are."""
    row, cosine = found.row_of(id), found.similarity[found.measures.index("cosine")]
    parts = []
    for p, party in enumerate(found.parties):
        alike = f", cosine {cosine[p - 1, row]:.2f}" if p else ""
        here, there = found.values[p, row] + 0.0, found.references[p, row] + 0.0  # no "-0"
        parts.append(f"{party} {here:.3g} (from {there:.3g} at the baseline{alike})")
    steps = int(found.steps[:, row].max())
    return f"Score at the input: {'; '.join(parts)}. " + (f"{steps} steps." if steps else "")
