"""Every view of the interaction tensor: in theme colours, escaped, and showing what it says."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.contracts.test_every_figure import _colors, _strings, _theme
from tests.figures.examples import HOSTILE
from tests.figures.subjects.interaction import tensor
from workbench.figures.draw import draw
from workbench.figures.interaction import ranked

VIEWS = ("frequency", "common", "samples", "confidence", "network")


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


def test_the_heat_maps_show_the_share_of_models() -> None:
    found = tensor()
    heat = draw(found, view="samples").data[0]
    rows = np.argsort(found.labels, kind="stable")
    number = int(heat.x[0].removeprefix("feature "))
    expected = (
        sum(found.omega.active[(found.omega.feature == number) & (found.omega.model == m)].sum(0) for m in range(4)) / 4
    )
    assert heat.z[:, 0] == pytest.approx(np.broadcast_to(expected, 90)[rows])


def test_the_network_has_every_model_and_every_feature() -> None:
    found = tensor()
    edges, features, *groups = draw(found, view="network").data
    assert len(features.x) == found.omega.owned(9).any(axis=0).sum()
    assert [len(group.x) for group in groups] == [4, 4, 1]
    assert len(edges.x) == 3 * found.omega.owned(9).sum()


def test_another_view_is_one_clear_error() -> None:
    with pytest.raises(ValueError, match="no view 'pie'; there are frequency, common, samples, confidence, network"):
        draw(tensor(), view="pie")
