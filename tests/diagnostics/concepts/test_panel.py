"""The panel of concepts shows what the result holds, and asks a run for the rest."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.diagnostics.attribution import attribution_scene as scene
from tests.diagnostics.concepts.examples import found
from tests.examples import HOSTILE
from workbench.diagnostics.concepts.measure import Concepts, concepts_of
from workbench.diagnostics.concepts.panel import EVERY, ConceptsPanel
from workbench.drawing.draw import draw
from workbench.records.selection import Selection
from workbench.widgets.panel import panel

GIVEN = {"samples": 10, "counter_sets": 10}


def corner(name: str = "north west") -> Selection:
    run, setting = scene.run(), scene.setting()
    return Selection(run.test_ids[run.test_labels == setting.class_names.index(name)], name)


@pytest.fixture(scope="module")
def result() -> Concepts:
    return concepts_of(scene.run(), [corner()], scene.setting(), **GIVEN)


def live(result: Concepts, **options: Any) -> ConceptsPanel:
    made = panel(result, run=scene.run(), setting=scene.setting(), **options)
    assert made.wait()
    return made


def test_without_a_run_models_and_concepts_can_be_chosen() -> None:
    held = found()
    made = panel(held)
    assert isinstance(made, ConceptsPanel)
    assert made.view.figure == draw(held)
    assert made.score.disabled
    assert made.layer.disabled
    assert made.layer.value == "as in the result"
    made.model.value = "student"
    assert made.view.figure == draw(held, party="student")
    assert [trace.name for trace in made.view.figure.data] == ["student"]
    made.concepts.value = ("straight",)
    assert made.view.figure == draw(held, party="student", names=["straight"])
    made.model.value = EVERY
    assert made.view.figure == draw(held, names=["straight"])
    made.concepts.value = ()
    assert made.view.figure == draw(held)
    assert made.view.height == draw(held).layout.height


def test_other_scores_and_layers_are_computed_and_the_result_costs_nothing(result: Concepts) -> None:
    made = live(result)
    before = made.view.figure
    assert before == draw(result)
    made.model.value = "student"
    assert made.layer.options == ("classifier:input", "layer1", "layer2")
    made.layer.value = "layer1"
    assert made.wait()
    layers = {"student": "layer1"}
    asked = concepts_of(scene.run(), [corner()], scene.setting(), layers=layers, **GIVEN)
    assert asked.layers == {"teacher": "classifier:input", "student": "layer1"}
    assert not np.array_equal(asked.sign_counts[1], result.sign_counts[1])
    assert np.array_equal(asked.sign_counts[0], result.sign_counts[0])
    assert made.view.figure == draw(asked, party="student")
    made.layer.value = "classifier:input"
    made.model.value = EVERY
    assert made.view.figure == before
    made.score.value = "pair"
    assert made.wait()
    assert made.result.plan["score"] == "pair"


def test_a_class_or_a_brushed_cohort_is_a_concept_and_is_told(result: Concepts) -> None:
    made, told = live(result), []
    made.on_selection(told.append)
    assert made.concepts.options == scene.setting().class_names
    brushed = Selection(scene.run().test_ids[:20], "brushed")
    made.choose(brushed)
    assert made.wait()
    assert made.concepts.value == ("north west", "brushed")
    assert made.result.names == ("north west", "brushed")
    made.choose(None)
    assert told == []
    made.concepts.value = ("brushed",)
    assert made.wait()
    assert [(each.name, len(each)) for each in told] == [("brushed", 20)]
    state = json.loads(json.dumps(made.state()))
    again = ConceptsPanel.from_state(state, result, scene.run(), setting=scene.setting())
    assert again.wait()
    assert again.state() == state
    assert again.view.figure == made.view.figure
    assert "ConceptsPanel(10 samples" in repr(again)


def test_what_cannot_be_asked_is_said_and_names_are_escaped(result: Concepts) -> None:
    made = live(found())  # of other samples: what they are is not known here
    made.score.value = "kd_match"
    assert made.wait()
    assert "the samples of &#x27;round&#x27; are not known here: give selections" in made.sentence.value
    assert "<img" not in panel(found((HOSTILE, "b"))).sentence.value


def test_layers_and_parties_that_are_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="no party 'pupil' to choose a layer of; there are teacher, student"):
        concepts_of(scene.run(), [corner()], scene.setting(), layers={"pupil": "layer1"})
    with pytest.raises(ValueError, match="nearest first"):
        concepts_of(scene.run(), [corner()], scene.setting(), layers={"student": "layer9"})
    with pytest.raises(ValueError, match="no concept 'curved'; there are round, straight"):
        draw(found(), names=["curved"])
