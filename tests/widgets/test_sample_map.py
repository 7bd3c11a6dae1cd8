"""SampleMap without a kernel: what the browser sends becomes a selection, and linked maps do not echo."""

from __future__ import annotations

import json

import numpy as np
import pytest

from workbench.records.selection import Selection
from workbench.widgets.sample_map import SampleMap

POINTS = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0], [2.0, 2.0]])
IDS = [10, 20, 30, 40]


def brush(view: SampleMap, *picked: bool) -> None:
    """What the browser does: its buffers arrive as memoryviews."""
    view.set_state({"mask": memoryview(bytes(picked))})


def test_a_brush_becomes_a_selection_of_ids() -> None:
    view = SampleMap(POINTS, IDS)
    seen: list[Selection] = []
    view.on_selection(seen.append)
    brush(view, False, True, True, False)
    assert list(view.selection.ids) == [20, 30]
    assert [list(selection.ids) for selection in seen] == [[20, 30]]
    brush(view)
    assert len(view.selection) == 0
    assert len(seen[-1]) == 0


def test_select_highlights_known_ids_without_calling_back() -> None:
    view = SampleMap(POINTS, IDS)
    seen: list[Selection] = []
    view.on_selection(seen.append)
    view.select(Selection(np.array([40, 999, 10])))
    assert list(view.selection.ids) == [10, 40]
    assert view.mask == bytes([1, 0, 0, 1])
    view.select(Selection(np.array([999])))
    assert view.mask == b""
    assert seen == []


def test_linked_maps_with_different_samples_keep_the_users_brush() -> None:
    wide, narrow = SampleMap(POINTS, IDS), SampleMap(POINTS[:2], IDS[:2])
    wide.on_selection(narrow.select)
    narrow.on_selection(wide.select)
    brush(wide, True, False, True, True)
    assert list(wide.selection.ids) == [10, 30, 40]
    assert list(narrow.selection.ids) == [10]


def test_points_and_classes_travel_as_float32_and_one_byte() -> None:
    view = SampleMap(POINTS, IDS, [0, 2, 1, 2])
    assert np.array_equal(np.frombuffer(view.points, np.float32).reshape(-1, 2), POINTS)
    assert list(view.classes) == [0, 2, 1, 2]
    assert view.class_names == ["0", "1", "2"]


def test_the_state_round_trips_as_small_json() -> None:
    view = SampleMap(POINTS, IDS, label="student", height=200)
    brush(view, False, False, True, True)
    text = json.dumps(view.state())
    again = SampleMap.from_state(json.loads(text), POINTS, ids=IDS)
    assert list(again.selection.ids) == [30, 40]
    assert (again.label, again.height) == ("student", 200)


def test_a_saved_notebook_names_the_view() -> None:
    view = SampleMap(POINTS, IDS, label="student")
    brush(view, True, False, False, False)
    assert view._repr_mimebundle_()[0]["text/plain"] == "SampleMap('student': 1 of 4 samples brushed)"


def test_no_sample_at_all_is_an_empty_map() -> None:
    assert len(SampleMap(np.empty((0, 2))).selection) == 0


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"points": np.zeros((4, 3))}, r"shape \(4, 3\); a map needs \(N, 2\)"),
        ({"points": np.full((4, 2), np.nan)}, "4 of 4 points are not finite"),
        ({"ids": [1, 2]}, r"4 points need as many ids and classes; given \(2,\)"),
        ({"ids": [1, 1, 2, 3]}, "ids repeat"),
        ({"classes": [0, 1, 2, 300]}, "classes run from 0 to 300"),
        ({"classes": [0, 1, 2, 2], "class_names": ["cat", "dog"]}, "class 2 has no name; class_names has 2"),
    ],
)
def test_what_does_not_fit_is_refused(given: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SampleMap(**({"points": POINTS} | given))
