"""The panel of an attribution without a kernel: what is asked when something is chosen, and what is shown."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from tests.diagnostics.attribution import attribution_scene as scene
from tests.diagnostics.attribution.examples import image
from workbench.diagnostics.attribution.measure import Attribution, attribution_of
from workbench.diagnostics.attribution.panel import ASK, EVERY, AttributionPanel
from workbench.drawing.draw import draw
from workbench.records.selection import Selection
from workbench.widgets.latest import Latest
from workbench.widgets.panel import panel


@pytest.fixture(scope="module")
def result() -> Attribution:
    return attribution_of(scene.run(), scene.setting(), control=scene.run("labels_only"), samples=12, steps=4)


def live(result: Attribution, **options: object) -> AttributionPanel:
    made = panel(result, run=scene.run(), setting=scene.setting(), control=scene.run("labels_only"), **options)
    assert made.wait()
    return made


def test_without_a_run_it_shows_what_the_result_holds() -> None:
    result = image()
    made = panel(result)
    assert isinstance(made, AttributionPanel)
    assert made.picture.figure == draw(result, ids=[int(result.ids[0])])
    assert made.score.disabled
    assert made.cards is None
    made.sample.value = 103
    assert made.picture.figure == draw(result, ids=[103])
    made.view.value = "likeness"
    assert made.picture.figure == draw(result, view="likeness")
    assert made.picture.height == draw(result, view="likeness").layout.height
    assert "cosine" in made.status.value


def test_a_sample_of_the_result_costs_nothing_and_other_choices_are_computed(result: Attribution) -> None:
    made = live(result)
    first = int(result.ids[0])
    assert made.picture.figure == draw(result, ids=[first])
    made.score.value = "dark_logit"
    assert made.wait()
    asked = attribution_of(
        scene.run(),
        scene.setting(),
        control=scene.run("labels_only"),
        samples=[first],
        score="dark_logit",
        steps=4,
    )
    assert made.picture.figure == draw(asked, ids=[first])
    assert f"student {asked.values[1, 0]:.3g}" in made.status.value
    assert made.problem.value == ""


def test_the_cards_temperature_is_that_of_the_score(result: Attribution) -> None:
    made = live(result)
    before = made.picture.figure
    made.cards.temperature = 1.5
    assert made.wait()
    assert made.choices["temperature"] == 1.5
    assert made.picture.figure != before
    made.cards.temperature = result.plan["temperature"]
    assert made.wait()
    assert made.picture.figure == before


def test_what_does_not_fit_is_said_and_the_next_choice_works(result: Attribution) -> None:
    made = live(result)
    made.attributor.value = "deep_lift"
    assert made.wait()
    assert "without max pooling" in made.problem.value
    made.attributor.value = "saliency"
    assert made.wait()
    assert made.problem.value == ""


def test_it_takes_and_emits_selections(result: Attribution) -> None:
    made, told = live(result), []
    made.on_selection(told.append)
    others = scene.setting().test.ids[:3].numpy()
    made.choose(Selection(np.append(others, 99999), "brushed"))
    assert made.wait()
    assert [value for _, value in made.sample.options] == others.tolist()
    assert any(each.name == "brushed" and each.ids.tolist() == others.tolist() for each in told)
    assert made.cards.total == 3
    made.sample.value = int(others[2])
    assert made.wait()
    assert told[-1].ids.tolist() == [int(others[2])]
    made.choose(None)
    assert made.wait()
    assert len(made.sample.options) == 12


def test_a_pair_of_classes_leaves_its_samples(result: Attribution) -> None:
    made, told = live(result), []
    made.on_selection(told.append)
    first = result.pairs[0]
    made.pair.value = f"{first['label']},{first['other']}"
    assert made.wait()
    expected = result.of_pair(first["label"], first["other"])
    assert [value for _, value in made.sample.options] == expected.ids.tolist()
    assert expected.name in [each.name for each in told]
    made.pair.value = EVERY
    assert len(made.sample.options) == 12


def test_all_samples_are_explained_again_and_it_can_be_stopped(result: Attribution) -> None:
    made = live(result)
    made.score.value = "dark_logit"
    made.all.click()
    assert made.wait()
    assert made.result.plan["score"] == "dark_logit"
    assert (made.result.n, made.all.description) == (12, ASK)
    made.view.value = "likeness"
    assert made.picture.figure == draw(made.result, view="likeness")
    made._stopped = True
    with pytest.raises(StopIteration):
        made._progress(0.5, "half")
    assert "50%" in made.status.value


def test_its_state_rebuilds_it(result: Attribution) -> None:
    made = live(result)
    made.choose(Selection(result.ids[:4], "four"))
    made.score.value, made.cards.temperature = "pair", 2.0
    made.sample.value = int(result.ids[2])
    assert made.wait()
    state = json.loads(json.dumps(made.state()))
    given = {"setting": scene.setting(), "control": scene.run("labels_only")}
    again = AttributionPanel.from_state(state, result, scene.run(), **given)
    assert again.wait()
    assert again.state() == state
    assert again.picture.figure == made.picture.figure
    assert "AttributionPanel(Over 12 samples" in repr(again)


def test_only_the_latest_request_is_worked_on() -> None:
    begun, go, done, failed = threading.Event(), threading.Event(), [], []

    def work(request: int) -> None:
        begun.set()
        assert go.wait(10)
        if request == 9:
            raise ValueError("nine")
        done.append(request)

    latest = Latest(work, failed.append)
    latest.ask(0)
    assert begun.wait(10)
    for request in (1, 2, 3):
        latest.ask(request)
    assert not latest.wait(0.01)
    go.set()
    assert latest.wait(10)
    assert done == [0, 3]
    latest.ask(9)
    assert latest.wait(10)
    assert [str(error) for error in failed] == ["nine"]
    latest.ask(4)
    assert latest.wait(10)
    assert done == [0, 3, 4]
