"""PlotView without a kernel: what it keeps, what it sends, and what it refuses."""

from __future__ import annotations

import json
import threading
from datetime import datetime
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from ipywidgets import Widget

from workbench.widgets.plot_view import PlotlyLibrary, PlotView


@pytest.fixture
def figure() -> go.Figure:
    return go.Figure([go.Scatter(x=[0, 1], y=[3.0, 2.0], name="loss"), go.Scatter(name="accuracy")])


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The state of every message a widget sends."""
    states: list[dict[str, Any]] = []
    monkeypatch.setattr(Widget, "_send", lambda _, message, buffers=None: states.append(message["state"]))
    return states


def on_reload(view: PlotView) -> dict[str, Any]:
    """What a page that loads now would get."""
    return json.loads(view.get_state()["_figure"])


def test_every_view_refers_to_one_library_and_carries_none_of_it() -> None:
    first, second = PlotView(), PlotView()
    assert first.library is second.library
    assert len(first.library.bundle) > 1_000_000
    assert len(json.dumps(first.get_state())) < 20_000


def test_the_library_is_made_anew_after_all_widgets_were_closed() -> None:
    old = PlotlyLibrary.shared()
    old.close()
    assert PlotlyLibrary.shared() is not old
    assert PlotlyLibrary.shared() is PlotView().library


def test_extend_accumulates_so_that_a_reload_shows_it(figure: go.Figure) -> None:
    view = PlotView(figure)
    view.extend({"loss": {"x": [2, 3], "y": [1.0, 0.5]}, 1: {"x": np.array([3]), "y": np.array([0.9])}})
    loss, accuracy = view.figure.data
    assert list(loss.x) == [0, 1, 2, 3]
    assert list(loss.y) == [3.0, 2.0, 1.0, 0.5]
    assert (list(accuracy.x), list(accuracy.y)) == ([3], [0.9])
    reloaded = go.Figure(on_reload(view)["figure"])
    assert reloaded == view.figure


def test_extend_keeps_only_the_last_points(figure: go.Figure) -> None:
    view = PlotView(figure)
    view.extend({"loss": {"x": [2, 3], "y": [1.0, 0.5]}}, max_points=3)
    assert list(view.figure.data[0].x) == [1, 2, 3]


def test_extend_takes_dates_and_names() -> None:
    days = [datetime(2020, 1, day) for day in (1, 2, 3)]
    view = PlotView(go.Figure(go.Scatter(x=days[:1], y=[1], name="runs")))
    view.extend({"runs": {"x": days[1:], "y": [2, 3]}})
    assert list(view.figure.data[0].x) == days
    view = PlotView(go.Figure(go.Bar(x=["teacher"], y=[1], name="bars")))
    view.extend({"bars": {"x": ["the student"], "y": [2]}})
    assert list(view.figure.data[0].x) == ["teacher", "the student"]


def test_extend_sends_only_the_new_points(sent: list[dict[str, Any]]) -> None:
    view = PlotView(go.Figure(go.Scatter(y=np.zeros(10_000), name="loss")))
    sent.clear()
    view.extend({"loss": {"y": [1.0, None]}}, max_points=500)
    (message,) = sent
    change = json.loads(message["_change"])
    assert list(message) == ["_change"]
    assert change == {"revision": 1, "points": {"0": {"y": [1.0, None]}}, "max_points": 500}


def test_changes_are_numbered_without_gaps_and_the_snapshot_knows_the_last(figure: go.Figure) -> None:
    view = PlotView(figure)
    view.extend({"loss": {"x": [2], "y": [1.0]}})
    view.mark(2, "slower")
    view.show(go.Figure())
    view.mark(1, "x")
    assert json.loads(view._change)["revision"] == 4
    assert on_reload(view)["revision"] == 4


def test_a_page_that_missed_a_change_gets_the_whole_figure(figure: go.Figure, sent: list[dict[str, Any]]) -> None:
    view = PlotView(figure)
    view.extend({"loss": {"x": [2], "y": [1.0]}})
    sent.clear()
    view._handle_custom_msg("resend", [])
    (message,) = sent
    assert json.loads(message["_figure"]) == on_reload(view)


def test_show_copies_and_sends_nothing_for_an_equal_figure(figure: go.Figure, sent: list[dict[str, Any]]) -> None:
    view = PlotView(figure)
    sent.clear()
    view.show(go.Figure(figure))
    assert sent == []
    figure.data[0].name = "changed outside"
    assert view.figure.data[0].name == "loss"
    view.show(figure)
    assert view.figure.data[0].name == "changed outside"
    assert len(sent) == 1


def test_a_mark_is_a_line_with_escaped_words(figure: go.Figure) -> None:
    view = PlotView(figure)
    view.mark(1, "temperature 4 -> 6 <b>")
    (line,) = view.figure.layout.shapes
    (note,) = view.figure.layout.annotations
    assert (line.x0, line.x1, line.yref, note.x) == (1, 1, "paper", 1)
    assert note.text == "temperature 4 -&gt; 6 &lt;b&gt;"
    view.mark(1.1, "close by")
    assert [note.y for note in view.figure.layout.annotations] == [1, 0]


def test_several_threads_lose_no_point(figure: go.Figure) -> None:
    view = PlotView(figure)

    def work(start: int) -> None:
        for step in range(start, start + 20):
            view.extend({"accuracy": {"x": [step], "y": [step]}})

    threads = [threading.Thread(target=work, args=(100 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = sorted(100 * number + step for number in range(4) for step in range(20))
    assert sorted(view.figure.data[1].x) == expected
    assert on_reload(view)["revision"] == 80


@pytest.mark.parametrize(
    ("points", "maximum", "error", "says"),
    [
        ({"lost": {"y": [1]}}, None, KeyError, r"no trace 'lost'.*'loss', 'accuracy'"),
        ({2: {"y": [1]}}, None, KeyError, "no trace 2; there are 2"),
        ({"loss": {"x": [1, 2], "y": [1]}}, None, ValueError, r"'loss' differ in length: \{'x': 2, 'y': 1\}"),
        ({"loss": {"z": [1]}}, None, ValueError, r"'loss' is a scatter and has no \['z'\]"),
        ({"loss": {"y": [1]}}, 0, ValueError, "max_points is 0"),
    ],
)
def test_a_bad_extension_is_refused_and_changes_nothing(
    figure: go.Figure, points: Any, maximum: int | None, error: type[Exception], says: str
) -> None:
    view = PlotView(figure)
    with pytest.raises(error, match=says):
        view.extend({"accuracy": {"y": [1]}} | points, max_points=maximum)
    assert view.figure == figure
    assert on_reload(view)["revision"] == 0


def test_the_state_round_trips(figure: go.Figure) -> None:
    view = PlotView(figure, height=200, label="losses")
    view.set_state({"selected": [3, 5]})
    again = PlotView.from_state(json.loads(json.dumps(view.state())), figure)
    assert (again.height, again.label, again.selected) == (200, "losses", [3, 5])
    assert again.figure == figure


def test_a_saved_notebook_names_the_view(figure: go.Figure) -> None:
    data, _ = PlotView(figure, label="losses")._repr_mimebundle_()
    assert data["text/plain"] == "PlotView('losses': loss, accuracy)"


def test_a_click_tells_what_a_point_stands_for_and_one_on_mere_text_tells_nothing() -> None:
    view, heard = PlotView(go.Figure(go.Scatter(x=[0, 1], y=[0, 1], customdata=[{"arm": "kd"}, "hover text"]))), []
    view.on_click(heard.append)
    for point in view.figure.data[0].customdata:
        view._answer(view, {"clicked": point}, [])
    view._answer(view, {"clicked": None}, [])
    assert heard == [{"arm": "kd"}]
