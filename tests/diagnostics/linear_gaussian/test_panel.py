"""The laboratory's panel without a kernel: its sliders move the result and the picture."""

from __future__ import annotations

import json

import pytest

from workbench.diagnostics.linear_gaussian.measure import Laboratory, LinearGaussian, linear_gaussian
from workbench.diagnostics.linear_gaussian.panel import LinearGaussianPanel
from workbench.drawing.draw import draw
from workbench.widgets.panel import panel


@pytest.fixture
def shown() -> LinearGaussianPanel:
    return panel(linear_gaussian(Laboratory(rank=2), "rank"))


def same(first: LinearGaussian, second: LinearGaussian) -> bool:
    return draw(first).to_json() == draw(second).to_json()


def test_a_slider_moves_the_result_and_the_picture(shown: LinearGaussianPanel) -> None:
    assert shown.controls.values["rank"] == 2
    shown.controls.fields["temperature"].value = 2.0
    wanted = linear_gaussian(Laboratory(rank=2, temperature=2.0), "rank")
    assert same(shown.result, wanted)
    assert shown.view.figure == draw(wanted)
    shown.along.value = "noise"
    assert same(shown.result, linear_gaussian(Laboratory(rank=2, temperature=2.0), "noise"))
    assert "rank 2" in shown.sentence.value


def test_its_state_rebuilds_it(shown: LinearGaussianPanel) -> None:
    shown.controls.fields["samples"].value = 120
    again = LinearGaussianPanel.from_state(json.loads(json.dumps(shown.state())))
    assert again.state() == shown.state()
    assert same(again.result, shown.result)


def test_it_says_on_screen_what_is_a_reconstruction(shown: LinearGaussianPanel) -> None:
    assert "not the paper&#x27;s theorem" in shown.sentence.value
    assert "not the paper's theorem" in shown.view.figure.layout.title.text
    assert "LinearGaussianPanel(A student of rank 2" in repr(shown)
