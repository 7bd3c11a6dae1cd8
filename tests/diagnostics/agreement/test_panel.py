"""The agreement's panel without a kernel: its controls move the picture, and clicks choose samples."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pytest
import torch

from tests import clicks, examples
from workbench.diagnostics.agreement.measure import agreement, agreement_of
from workbench.diagnostics.agreement.measure_cohorts import flip_of, outcome_of, stratum_of
from workbench.diagnostics.agreement.panel import STRATA, VIEWS, AgreementPanel, panel
from workbench.diagnostics.calibration.measure import calibration
from workbench.diagnostics.flips.measure import Flips, flips_of
from workbench.diagnostics.strata.measure import Strata, strata_of
from workbench.drawing.draw import draw
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.settings.setting import Setting
from workbench.widgets.panel import panel as panel_of

OWN = {"name": "mine", "config": {}, "task": "classification"}


def run(**changes: Any) -> Run:
    return examples.run(setting=OWN, **changes)


def control() -> Run:
    """Another student of the same samples."""
    student, _, _ = examples.outputs(seed=5)
    return run(name="labels_only", predictions={"student": student})


@pytest.fixture
def shown() -> AgreementPanel:
    return panel(run(), control())


def plain(figure: Any) -> Any:
    """A figure as values that compare, with None for a number that is missing."""
    return json.loads(figure.to_json())


def click(shown: AgreementPanel, trace: int, **place: float) -> None:
    clicks.click(shown.view, trace, **place)


def test_it_begins_with_the_classes(shown: AgreementPanel) -> None:
    assert shown.view.figure == draw(agreement_of(run()))
    assert "pick the same class on 74.2%" in shown.sentence.value
    assert (shown.gallery.total, shown.chosen) == (360, None)
    assert shown.measure.disabled


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_the_static_picture_of_its_result(shown: AgreementPanel, view: str) -> None:
    shown.subject.value = view
    assert plain(shown.view.figure) == plain(draw(shown.result))
    assert shown.view.height == shown.view.figure.layout.height
    assert shown.measure.disabled is (view not in STRATA)


def test_the_measure_and_the_temperature_move_the_strata(shown: AgreementPanel) -> None:
    shown.subject.value = "teacher's confidence"
    assert shown.result.measures == ("agreement", "student_accuracy", "teacher_accuracy")
    shown.measure.value = "jensen_shannon"
    shown.temperature.value = 4.0
    assert isinstance(shown.result, Strata)
    assert shown.result.temperature == 4.0
    wanted = strata_of(run(), "confidence", ("jensen_shannon",), baseline=control(), temperature=4.0)
    assert np.array_equal(shown.result.means, wanted.means, equal_nan=True)
    assert shown.gallery.temperature == 4.0


def test_the_released_constructions_stand_beside_ours(shown: AgreementPanel) -> None:
    paper = agreement_of(run(), mode="paper").forward_kl.mean
    assert f"the divergence is {paper:.4g} nats" in shown.sentence.value
    shown.subject.value = "reliability"
    logits = {party: run().predictions[party] for party in ("student", "teacher")}
    ten = calibration(logits, run().test_labels, bins=10).ece
    said = f"student {ten['student'].mean:.3f}, teacher {ten['teacher'].mean:.3f}"
    assert f"With the 10 bins of the released code, the errors are: {said}" in shown.sentence.value
    shown.subject.value = "distances"
    assert "released" not in shown.sentence.value


def test_the_slider_of_the_cards_moves_the_other_one(shown: AgreementPanel) -> None:
    shown.gallery.set_state({"temperature": 2.5})
    assert shown.temperature.value == 2.5
    shown.temperature.value = 1.5
    assert shown.gallery.temperature == 1.5


def test_a_baseline_says_what_is_hard_and_what_flips(shown: AgreementPanel) -> None:
    shown.subject.value = "flips"
    assert isinstance(shown.result, Flips)
    assert shown.result.progress == flips_of(run(), control()).progress
    assert "Flips are against labels only" in shown.children[5].value
    alone = panel(run())
    alone.subject.value = "flips"
    assert alone.result.against == "its teacher"


@pytest.mark.parametrize(
    ("view", "trace", "place", "wanted"),
    [
        ("classes", 4, {}, lambda: outcome_of(run(), "teacher_only")),
        ("teacher's confidence", 1, {"x": 6.12}, lambda: stratum_of(run(), "confidence", 6)),
        ("label", 0, {"x": 2.88}, lambda: stratum_of(run(), "class", 3)),
        ("difficulty", 3, {"x": 9}, lambda: stratum_of(run(), "difficulty", 9, baseline=control())),
        ("flips", 2, {"x": 0.1}, lambda: flip_of(run(), control(), "regress")),
    ],
)
def test_a_click_shows_the_samples(shown: AgreementPanel, view: str, trace: int, place: Any, wanted: Any) -> None:
    told: list[Selection | None] = []
    shown.on_selection(told.append)
    shown.subject.value = view
    click(shown, trace, **place)
    assert shown.chosen is not None
    assert shown.chosen.ids.tolist() == wanted().ids.tolist()
    assert shown.chosen.name == wanted().name
    assert shown.gallery.total == len(wanted())
    assert told == [shown.chosen]


def test_a_cell_of_the_confusion_and_an_empty_one(shown: AgreementPanel) -> None:
    teacher, student = (run().predictions[party].argmax(1) for party in ("teacher", "student"))
    click(shown, 0, x=1, y=0)
    assert shown.gallery.total == ((teacher == 0) & (student == 1)).sum() == 4
    empty = next((t, s) for t in range(10) for s in range(10) if not ((teacher == t) & (student == s)).any())
    click(shown, 0, x=empty[1], y=empty[0])
    assert shown.chosen is None
    assert "That group is empty" in shown.caption.value
    shown.everything.click()
    assert "all test samples" in shown.caption.value


def test_clicks_beside_the_samples_change_nothing(shown: AgreementPanel) -> None:
    for view, trace in (("classes", 6), ("flips", 5), ("distances", 0), ("reliability", 1)):
        shown.subject.value = view
        click(shown, trace)
        assert shown.chosen is None


def test_its_state_rebuilds_it(shown: AgreementPanel) -> None:
    shown.subject.value = "difficulty"
    shown.measure.value = "hellinger"
    shown.temperature.value = 2.0
    click(shown, 0, x=4)
    again = AgreementPanel.from_state(json.loads(json.dumps(shown.state())), run(), baseline=control())
    assert again.state() == shown.state()
    assert plain(again.view.figure) == plain(shown.view.figure)
    assert again.gallery.total == 36


def test_an_agreement_of_runs_has_a_panel_and_one_of_arrays_has_none() -> None:
    found = agreement_of(run())
    shown = panel_of(found, baseline=control())
    assert "AgreementPanel(digits-kd-s0-0123456789ab: classes, temperature 1.00)" in repr(shown)
    assert shown.view.figure == draw(found)
    student, teacher, labels = examples.outputs()
    with pytest.raises(ValueError, match="computed from arrays; a panel needs the run"):
        panel_of(agreement(student, teacher, labels))


def test_another_runs_student_in_the_teachers_place() -> None:
    found = agreement_of(run(), control())
    assert panel_of(found).view.figure == draw(found)


def test_cards_show_the_samples_of_the_setting() -> None:
    base = examples.run(classes=3, setting=OWN)
    inputs = torch.rand(360, 2)
    train = (torch.rand(30, 2), torch.arange(30) % 3)
    own = Setting(train=train, test=(inputs, torch.tensor(base.test_labels)), teacher=lambda x: x, student=lambda: None)
    fits = examples.run(classes=3, setting=OWN, test_ids=own.test.ids.numpy())
    assert panel(fits, setting=own).gallery._cards[0]["text"].count(",") == 1
    assert panel(base).gallery._cards[0]["text"].startswith("sample 1")


def test_a_slider_is_quick() -> None:
    shown = panel(run())
    shown.subject.value = "teacher's confidence"
    shown.measure.value = "forward_kl"
    began = time.perf_counter()
    shown.temperature.value = 3.0
    assert time.perf_counter() - began < 2  # a tenth of a second on a quiet machine, measured by the benchmark
