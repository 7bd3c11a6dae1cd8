"""Every figure module, found by walking the floor: drawn by name, pure, titled, in theme colours, safe and robust."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

import workbench
from tests import examples
from workbench.drawing import theme
from workbench.drawing.draw import draw, drawable
from workbench.lab import decision
from workbench.lab import live_curves as live

ROOT = Path(workbench.__file__).parent


def _name(thing: Any) -> str:
    """Of its question, or of its module."""
    return type(thing).__module__.removesuffix(".measure").rpartition(".")[2]


THINGS = [thing for thing in (*examples.results(), examples.run()) if _name(thing) in drawable()]
SNAPSHOT = examples.snapshot()
TERMS = {"student": ("soft", "labels"), "control": ("labels",)}


LIVE = {
    "losses": lambda: live.filled(live.losses(TERMS), live.loss_points(SNAPSHOT), SNAPSHOT),
    "scores": lambda: live.filled(live.scores(), live.score_points(SNAPSHOT), SNAPSHOT),
    "regions": lambda: decision.regions(examples.regions(12)),
}
"""The figures that views call by name, since their records have no figure of their own."""

DRAWERS = {_name(thing): partial(draw, thing) for thing in THINGS} | LIVE


@pytest.fixture(scope="module", params=DRAWERS, ids=str)
def figure(request: pytest.FixtureRequest) -> go.Figure:
    return DRAWERS[request.param]()


@pytest.mark.parametrize("subject", drawable())
def test_a_figure_is_named_as_its_data(subject: str) -> None:
    homes = [(ROOT / "records" / f"{subject}.py"), (ROOT / "diagnostics" / subject / "measure.py")]
    assert [path.exists() for path in homes].count(True) == 1
    assert subject in map(_name, THINGS), f"add an example of {subject} to tests/diagnostics/{subject}/examples.py"
    home = f"diagnostics.{subject}.figure" if homes[1].exists() else f"drawing.{subject}"
    assert import_module(f"workbench.{home}").figure.__doc__


@pytest.mark.parametrize("thing", THINGS, ids=_name)
def test_drawing_is_pure(thing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = pickle.dumps(copy.deepcopy(thing))
    draw(thing)  # loads what it is drawn with
    monkeypatch.setattr(Path, "open", _refuse)
    monkeypatch.setattr("builtins.open", _refuse)
    first, second = draw(thing), draw(thing)
    monkeypatch.undo()
    assert type(first) is go.Figure
    assert first.to_json() == second.to_json()
    assert pickle.dumps(copy.deepcopy(thing)) == before


def _refuse(*_: Any, **__: Any) -> None:
    raise AssertionError("a figure reads and writes no files")


def test_it_has_a_title_or_titled_axes(figure: go.Figure) -> None:
    axes = [a for a in figure.layout if a.startswith("xaxis")]
    shown = [figure.layout[a] for a in axes if figure.layout[a].showticklabels is not False]
    assert shown
    assert all(axis.title.text for axis in shown)


def test_it_uses_the_template_and_no_colour_of_its_own(figure: go.Figure) -> None:
    assert figure.layout.template == theme.TEMPLATE
    assert set(_colors(json.loads(figure.to_json()))) <= _theme()


def test_every_trace_has_a_hover_text_and_a_name_or_no_legend(figure: go.Figure) -> None:
    for trace in figure.data:
        parts = (trace.node, trace.link) if trace.type == "sankey" else (trace,)
        assert trace.hoverinfo == "skip" or all(part.hovertemplate for part in parts)
        assert trace.name or trace.showlegend is False or trace.type == "heatmap"


@pytest.mark.parametrize("thing", examples.incomplete(), ids=_name)
def test_missing_numbers_are_drawn_as_gaps(thing: Any) -> None:
    assert json.loads(draw(thing).to_json())["layout"]


@pytest.mark.parametrize("thing", examples.hostile(), ids=_name)
def test_names_from_data_are_escaped(thing: Any) -> None:
    strings = list(_strings(json.loads(draw(thing).to_json())))
    assert any("&lt;" in each for each in strings)
    assert not [each for each in strings if "<img" in each or "</script" in each or "$" in each]


def test_the_guard_sees_a_foreign_colour() -> None:
    stray = go.Figure(go.Scatter(marker={"color": ["#123456"], "line": {"color": "hotpink"}}))
    stray.add_heatmap(colorscale=[[0, "#abcdef"], [1, "rgb(1,2,3)"]])
    own = go.Figure(stray).update_layout(template=None)
    assert set(_colors(json.loads(own.to_json()))) - _theme() == {"#123456", "hotpink", "#abcdef", "rgb(1,2,3)"}


def _theme() -> set[str]:
    """Every string in the constants of the theme."""
    return {text for name, value in vars(theme).items() if name.isupper() for text in _strings(value)}


def _colors(node: Any, inside: bool = False) -> Iterator[str]:
    """All strings below a key that names a colour."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _colors(value, key.endswith(("color", "colorscale", "colorway")))
    elif isinstance(node, list):
        for value in node:
            yield from _colors(value, inside)
    elif inside and isinstance(node, str):
        yield node


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        yield from (text for pair in node.items() for each in pair for text in _strings(each))
    elif isinstance(node, list | tuple):
        yield from (text for each in node for text in _strings(each))
