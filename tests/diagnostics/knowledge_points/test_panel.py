"""The panel of knowledge points: the threshold counts again, the picture changes."""

from __future__ import annotations

import json
from dataclasses import replace
from html import unescape

from tests.diagnostics.knowledge_points.examples import made
from tests.examples import HOSTILE
from workbench.diagnostics.knowledge_points.panel import KnowledgePointsPanel
from workbench.drawing.draw import draw
from workbench.widgets.panel import panel

RESULT = made()


def test_the_threshold_counts_again_and_back() -> None:
    shown = panel(RESULT)
    assert shown.picture.figure == draw(RESULT)
    shown.threshold.value = 0.5
    assert shown.result.on_object[1].mean < RESULT.on_object[1].mean
    assert shown.picture.figure == draw(RESULT.at(0.5))
    assert "threshold of 0.5" in shown.words.value
    shown.threshold.value = 0.2
    assert shown.result.on_object == RESULT.on_object


def test_another_image() -> None:
    shown = panel(RESULT)
    shown.image.value = 3
    assert shown.picture.figure == draw(RESULT, image=3)
    again = KnowledgePointsPanel.from_state(json.loads(json.dumps(shown.state())), RESULT)
    assert again.state() == shown.state()
    assert again.picture.figure == shown.picture.figure
    assert "4 images" in repr(again)


def test_names_of_nets_are_escaped() -> None:
    assert "<img" not in panel(made(HOSTILE)).words.value


def test_both_forms_stand_side_by_side() -> None:
    other = replace(RESULT, mode="paper", entropy=RESULT.entropy[..., ::-1].copy()).at(RESULT.threshold)
    shown = panel(RESULT, other=other)
    assert panel(RESULT).form.layout.display == "none"
    assert shown.form.layout.display == "flex"
    assert other.explain() in unescape(shown.words.value)
    assert RESULT.explain() in unescape(shown.words.value)
    shown.form.value = "paper"
    shown.threshold.value = 0.5
    assert shown.result.mode == "paper"
    assert shown.picture.figure == draw(other.at(0.5))
    again = KnowledgePointsPanel.from_state(shown.state(), RESULT, other)
    assert again.picture.figure == shown.picture.figure
    again.form.value = "corrected"
    assert again.picture.figure == draw(RESULT.at(0.5))
