"""Every view of the interaction tensor: in theme colours, escaped, and showing what it says."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.contracts.test_every_figure import _colors, _strings, _theme
from tests.diagnostics.interaction.examples import curves, tensor
from tests.examples import HOSTILE
from workbench.diagnostics.interaction.figure import ranked
from workbench.diagnostics.interaction.figure_samples import _clustered
from workbench.drawing.draw import draw

VIEWS = ("frequency", "common", "per_sample", "samples", "confidence", "network")


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_keeps_to_the_theme_and_escapes_names(view: str) -> None:
    made = json.loads(draw(tensor((HOSTILE, "b", "teacher")), view=view).to_json())
    assert set(_colors(made)) <= _theme()
    assert not [each for each in _strings(made) if "<img" in each or "</script" in each]
    assert any("&lt;" in each for each in _strings(made))


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_drawn_without_labels_and_outputs(view: str) -> None:
    made = draw(tensor(known=False), view=view)
    assert [a for a in made.layout if a.startswith("xaxis") and made.layout[a].title.text]


def test_the_curves_are_the_frequencies_of_each_group_in_both_forms() -> None:
    found = tensor()
    made = draw(found)
    for g in range(3):
        for curve, counts in zip(made.data[2 * g : 2 * g + 2], (found.frequency, found.other_frequency), strict=True):
            assert list(curve.y) == sorted(counts[g][counts[g] > 0], reverse=True)
        assert [found.frequency[g][t] for t in ranked(found, g)] == list(made.data[2 * g].y)
    common = draw(found, view="common")
    assert [len(curve.y) for curve in common.data] == [found.common.sum()] * 3


def test_both_forms_are_counted_under_their_curves() -> None:
    found = tensor()
    made = draw(found)
    for axis, of in (("xaxis", vars(found)), ("xaxis2", found.other)):
        expected = f"{of['mode']}: {of['features']} features above {of['threshold']:.3g}<br>in use by group: "
        assert made.layout[axis].title.text == expected + ", ".join(map(str, of["unique"]))


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_says_what_is_there_by_construction(view: str) -> None:
    assert "by construction" in draw(tensor(), view=view).layout.title.subtitle.text


def test_the_samples_with_most_features_come_first() -> None:
    found = tensor()
    made = draw(found, view="per_sample")
    for curve, counts in zip(made.data, found.per_sample, strict=True):
        assert list(curve.y) == sorted(counts, reverse=True)
        assert f"(mean {sum(counts) / 90:.3g})" in curve.name


def test_the_heat_maps_show_the_share_of_models() -> None:
    found = tensor()
    numbers = [int(x.removeprefix("feature ")) for x in draw(found, view="samples").data[0].x]
    assert sorted(numbers) == list(range(found.features))
    for heat, members in zip(draw(found, view="samples").data, (range(4), range(4, 8), [8]), strict=True):
        share = np.zeros((90, found.features))
        for column, number in enumerate(numbers):
            for m in members:
                pairs = (found.omega.feature == number) & (found.omega.model == m)
                share[:, column] += found.omega.active[pairs].sum(axis=0) / len(members)
        for k in range(3):  # the samples of a class stand together, in an order of their own
            shown, expected = heat.z[30 * k : 30 * k + 30], share[found.labels == k]
            assert sorted(np.round(shown, 3).tolist()) == sorted(np.round(expected.astype(np.float32), 3).tolist())


def test_rows_that_are_alike_stand_side_by_side() -> None:
    kinds = np.random.default_rng(0).permutation(np.repeat(np.arange(5), 4))
    ordered = kinds[_clustered(np.eye(5)[kinds])]
    assert (np.diff(ordered) != 0).sum() == 4
    assert _clustered(np.zeros((2, 3))).tolist() == [0, 1]


def test_the_network_has_every_model_and_every_feature() -> None:
    found = tensor()
    edges, features, *groups = draw(found, view="network").data
    assert len(features.x) == found.omega.owned(9).any(axis=0).sum()
    assert [len(group.x) for group in groups] == [4, 4, 1]
    assert len(edges.x) == 3 * found.omega.owned(9).sum()


def test_the_split_of_a_drop_stands_under_its_curves() -> None:
    found = curves(tensor())
    drop, pruning, consistency = (each["kd"].mean for each in (found.drop, found.pruning, found.consistency))
    assert drop > 0  # fewer features, which is a negative difference
    words = f"): {-pruning + 0.0:+.3g} by pruning, {-consistency:+.3g} by consistency".replace("+0 by", "0 by")
    shown = draw(found).layout.xaxis.title.text
    assert f"difference at {found.size} from labels_only:<br>kd {-drop:+.3g} (" in shown
    assert words in shown
    assert draw(curves(tensor(known=False))).layout.title.subtitle.text


def test_another_view_is_one_clear_error() -> None:
    with pytest.raises(
        ValueError, match="view = 'pie' is not one of 'frequency', 'common', 'per_sample', 'samples', 'confidence'"
    ):
        draw(tensor(), view="pie")
