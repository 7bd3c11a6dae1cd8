"""The panel of a study's agreement: a measure, and the samples in dispute of the seed that was clicked."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests import clicks
from tests.diagnostics.study_agreement.examples import stored
from workbench.diagnostics.agreement.measure_disagreement import disagreement_of
from workbench.diagnostics.study_agreement.measure import StudyAgreement, study_agreement_of
from workbench.diagnostics.study_agreement.panel import StudyAgreementPanel
from workbench.drawing.draw import draw
from workbench.widgets.panel import panel

STUDY = stored()
RESULT = study_agreement_of(STUDY)


def click(shown: StudyAgreementPanel, trace: int, **place: float) -> None:
    clicks.click(shown.picture, trace, **place)


def test_it_begins_with_the_agreement_and_a_run_of_the_last_arm() -> None:
    shown = panel(RESULT)
    assert shown.picture.figure == draw(RESULT)
    assert (shown.arm.value, shown.seed.value) == ("method_2", 0)
    assert shown.selection.ids.tolist() == disagreement_of(STUDY.run("method_2", 0)).ids.tolist()
    assert len(shown.selection) == round((1 - RESULT.per_seed["top1"]["method_2"][0]) * RESULT.n)


@pytest.mark.parametrize("measure", ["top1", "phi", "forward_kl"])
def test_a_seeds_mark_is_its_run_whatever_the_measure(measure: str) -> None:
    shown, heard = panel(RESULT), []
    shown.measure.value = measure
    assert shown.picture.figure == draw(RESULT, measure=measure)
    shown.on_selection(heard.append)
    seeds = 3 + (measure == "top1")  # after three traces of the control, and the wedge
    made = shown.picture.figure.data[seeds]
    assert made.name == "one seed"
    click(shown, seeds, x=made.x[2], y=made.y[2])
    assert (shown.arm.value, shown.seed.value) == ("method_1", 2)
    assert [each.ids.tolist() for each in heard] == [disagreement_of(STUDY.run("method_1", 2)).ids.tolist()]


def test_a_mean_is_its_arm_and_the_wedge_nothing() -> None:
    shown = panel(RESULT, seed=1)
    click(shown, 0)
    assert (shown.arm.value, shown.seed.value) == ("method_2", 1)
    click(shown, 2)
    assert (shown.arm.value, shown.seed.value) == ("labels_only", 1)


def test_the_state_rebuilds_it() -> None:
    shown = panel(RESULT)
    shown.measure.value, shown.arm.value, shown.seed.value = "phi", "labels_only", 2
    again = StudyAgreementPanel.from_state(json.loads(json.dumps(shown.state())), RESULT)
    assert again.state() == shown.state() == {"measure": "phi", "arm": "labels_only", "seed": 2}
    assert again.picture.figure == shown.picture.figure
    assert again.selection.ids.tolist() == shown.selection.ids.tolist()
    assert repr(again) == "StudyAgreementPanel(phi: labels_only, seed 2)"


def test_numbers_alone_have_measures_and_no_cards(tmp_path) -> None:
    loaded = StudyAgreement.load(RESULT.save(tmp_path / "found"))
    assert loaded == replace(RESULT, study=None)
    shown = panel(loaded)
    assert shown.cards not in shown.children
    shown.measure.value = "forward_kl"
    assert shown.picture.figure == draw(RESULT, measure="forward_kl")
    click(shown, 1)
