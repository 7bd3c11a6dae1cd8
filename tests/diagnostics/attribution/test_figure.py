"""The views of an attribution show its numbers, and nothing else."""

from __future__ import annotations

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from tests.diagnostics.attribution import examples
from tests.diagnostics.feature_maps import examples as feature_maps
from workbench.drawing import theme
from workbench.drawing.draw import draw


def heatmaps(made: go.Figure) -> list[go.Heatmap]:
    return [trace for trace in made.data if trace.type == "heatmap"]


def test_a_sheet_holds_every_partys_map_beside_the_input() -> None:
    result = examples.image()
    made = draw(result, ids=[102, 105])
    shown = heatmaps(made)
    assert len(shown) == 2 * (1 + 3)
    assert np.array_equal(shown[0].z, result.inputs[2, 0])
    for column, party in enumerate(result.parties, 1):
        cell = shown[4 + column]
        assert np.array_equal(cell.z, result.maps[column - 1, 5])
        assert cell.zmax == -cell.zmin == np.abs(result.maps[column - 1, 5]).max()
        assert list(made.layout.xaxis.ticktext)[column] == party
    notes = [note.text for note in made.layout.annotations]
    assert f"cosine {result.similarity[0, 1, 5]:.2f}" in notes
    assert "circle" in made.layout.yaxis.ticktext[1] or "triangle" in made.layout.yaxis.ticktext[1]


def test_colour_images_keep_their_colours() -> None:
    result = examples.image()
    object.__setattr__(result, "inputs", np.repeat(result.inputs, 3, axis=1))
    (first,) = [trace for trace in draw(result, ids=[100]).data if trace.type == "image"]
    assert np.asarray(first.z).shape == (6, 6, 3)


def test_the_split_shows_both_parts_and_their_sums() -> None:
    result = examples.image(split=True)
    made = draw(result, view="parts", ids=[101])
    _, both, target, rest = heatmaps(made)
    assert np.allclose(np.asarray(target.z) + np.asarray(rest.z), np.asarray(both.z), atol=1e-6)
    assert f"sum {result.part_maps[0, 1].sum():+.3g}" in [note.text for note in made.layout.annotations]
    with pytest.raises(ValueError, match="for images and the score kd_match only"):
        draw(examples.image(), view="parts")


def test_likeness_has_a_dot_and_an_interval_per_measure_and_party() -> None:
    result = examples.image()
    made = draw(result, view="likeness")
    student, control = made.data
    assert (student.name, control.name) == ("student", "control")
    assert list(student.x) == [result.numbers[m]["student"].mean for m in result.measures]
    low = np.asarray(control.x) - np.asarray(control.error_x.arrayminus)
    assert np.allclose(low, [result.numbers[m]["control"].low for m in result.measures])
    gain = result.gain
    assert f"gain {gain.mean:+.3g} (95 % interval {gain.low:+.3g} to {gain.high:+.3g})" in [
        a.text for a in made.layout.annotations
    ]


def test_stacked_bars_are_both_parts_of_what_is_left() -> None:
    result = examples.image()
    made = draw(result, view="divergence")
    student = [trace for trace in made.data if trace.yaxis == "y"]
    total = np.sort(result.divergence[1, :, :, 1].sum(1))[::-1]
    assert np.allclose(np.asarray(student[0].y) + np.asarray(student[1].y), total)
    assert {trace.marker.color for trace in student} == {theme.term_color(0), theme.term_color(1)}
    assert made.layout.barmode == "stack"


def test_pairs_of_classes_are_named_with_their_numbers() -> None:
    result = examples.image()
    made = draw(result, view="pairs")
    first = result.pairs[0]
    names = result.class_names
    assert made.layout.yaxis.ticktext[0] == f"{names[first['label']]}, then {names[first['other']]} ({first['n']})"
    assert made.data[1].x[0] == first["cosine"]["control"].mean


def test_tables_have_bars_series_lines_and_points_arrows() -> None:
    table = examples.flat("table", 15, tuple(f"column {k}" for k in range(15)))
    bars = draw(table, ids=[100])
    assert {trace.type for trace in bars.data} == {"bar"}
    assert len(bars.data[0].x) == 12  # the largest of 15
    kept = [int(name.split()[1]) for name in bars.data[1].x]
    assert np.allclose(bars.data[1].y, table.maps[1, 0, kept])
    series = examples.flat("series", 20)
    lines = draw(series, ids=[103])
    assert [trace.name for trace in lines.data] == ["sample", *series.parties]
    assert np.allclose(lines.data[2].customdata, series.maps[1, 3])
    assert max(np.abs(lines.data[2].y)) == pytest.approx(1)
    points = examples.flat("points", 2)
    arrows = draw(points).data[0]
    found = points.maps[0]
    steps = np.stack([np.diff(np.reshape(each, (-1, 3))[:, :2])[:, 0] for each in (arrows.x, arrows.y)], 1)
    assert np.allclose(
        steps / np.linalg.norm(steps, axis=1, keepdims=True),
        found / np.linalg.norm(found, axis=1, keepdims=True),
        atol=1e-5,
    )


def test_faithfulness_and_concepts_show_their_curves_and_bars() -> None:
    result = examples.trusted()
    made = draw(result)
    curves = {trace.name: trace for trace in made.data}
    assert np.allclose(curves["deletion"].y, result.mean_curves[0])
    assert np.allclose(curves["deletion, interval"].y[:11], result.high_curves[0])
    assert list(curves["maps after shuffling"].y) == [1.0, *result.dependence_mean]


def test_a_feature_of_the_tensor_has_its_relevance_and_the_maps_of_the_samples_along_it() -> None:
    result = feature_maps.made()
    made = draw(result)
    dots, *pictures = made.data
    assert sorted(dots.x) == sorted(each.mean for each in result.relevance.values())
    assert "<b>feature 2</b>" in made.layout.yaxis.ticktext
    first = int(result.along.argmax())
    assert np.array_equal(pictures[0].z, result.inputs[first, 0])
    assert np.array_equal(pictures[1].z, result.maps[first])
    rows = draw(feature_maps.made((20,))).data[1]
    assert np.shape(rows.z) == (9, 20)


@pytest.mark.parametrize("view", ["maps", "likeness", "divergence", "pairs"])
def test_every_view_has_titled_axes_and_no_missing_numbers_in_json(view: str) -> None:
    made = draw(examples.image(control=False), view=view)
    assert json.loads(made.to_json())
    axes = [made.layout[name] for name in made.layout if name.startswith("xaxis")]
    assert any(axis.title.text for axis in axes)


def test_a_view_or_a_sample_that_is_not_there_is_one_clear_error() -> None:
    with pytest.raises(ValueError, match="no view 'map'; there are maps, parts, likeness"):
        draw(examples.image(), view="map")
    with pytest.raises(KeyError, match="sample 5 was not explained"):
        draw(examples.image(), ids=[5])
