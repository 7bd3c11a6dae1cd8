"""The live panel without a kernel: its buttons drive a small session, and it shows what the session tells."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from tests import clicks
from workbench.diagnostics.agreement.measure import OUTCOMES
from workbench.lab import lab
from workbench.lab.live import LivePanel
from workbench.lab.transport import line
from workbench.methods.catalog import make
from workbench.methods.logits.kd import KD
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.records.snapshot import Snapshot
from workbench.settings.setting import Recipe, Setting

PATIENCE = 30.0


def setting(epochs: int = 6) -> Setting:
    generator = torch.Generator().manual_seed(0)

    def samples(count: int) -> tuple[torch.Tensor, torch.Tensor]:
        labels = torch.arange(count) % 3
        return torch.eye(3)[labels] + 0.7 * torch.randn(count, 3, generator=generator), labels

    teacher = Recipe(lambda: MLP(3, (16,), 3), Budget(epochs=4, batch_size=16))
    names = ("red", "green", "<b>blue</b>")
    return Setting(
        train=samples(90), test=samples(120), teacher=teacher, student=lambda: MLP(3, (6,), 3), class_names=names,
        budget=Budget(epochs=epochs, batch_size=16), name="colours", threads=1,
    )  # fmt: skip


@pytest.fixture
def panels() -> Iterator[Callable[..., LivePanel]]:
    """Opens panels, and ends their sessions after the test."""
    made: list[LivePanel] = []

    def open_panel(*arguments: object, **options: object) -> LivePanel:
        made.append(LivePanel(*arguments, **options))
        return made[-1]

    yield open_panel
    for panel in made:
        panel.session.stop()
        panel.session.wait(PATIENCE)


@pytest.fixture
def finished(panels: Callable[..., LivePanel]) -> LivePanel:
    """A panel whose one seed has run."""
    panel = panels(setting(), "kd", seeds=3)
    press(panel, "start")
    assert panel.session.wait(PATIENCE).status == "finished", panel.session.snapshot.message
    return panel


def press(panel: LivePanel, button: str) -> None:
    panel.transport.buttons[button].click()


def until(panel: LivePanel, wanted: Callable[[Snapshot], object]) -> Snapshot:
    deadline = time.monotonic() + PATIENCE
    while not wanted(panel.session.snapshot):
        assert time.monotonic() < deadline, f"still {panel.session.snapshot.status}"
        time.sleep(0.005)
    return panel.session.snapshot


def enabled(panel: LivePanel) -> set[str]:
    return {name for name, button in panel.transport.buttons.items() if not button.disabled}


# --- before ---------------------------------------------------------------------------------------------------------
def test_the_lab_is_ready_to_start_on_digits_with_kd() -> None:
    panel = lab()
    state = panel.state()
    assert (state["setting"], state["method"], state["seeds"]) == ("digits", "kd", 5)
    assert state["parameters"] == {"temperature": 4.0, "soft_weight": 0.9, "label_weight": 0.1}
    assert enabled(panel) == {"start"}
    assert repr(panel) == "LivePanel(digits, kd): Press Start."
    assert panel.session.setting is None  # loaded by the worker, so that the panel is there at once


def test_another_choice_is_another_session_and_other_controls() -> None:
    panel = lab("TwoMoons", "hinton")
    before = panel.session
    panel.choices.method.menu.value = "rkd"
    assert panel.session is not before
    assert panel.session.method.name == "rkd"
    assert set(panel.state()["parameters"]) == {"distance_weight", "angle_weight", "guided", "hint"}
    panel.choices.setting.controls.fields["noise"].value = 0.1
    assert panel.state()["setting_parameters"]["noise"] == 0.1
    assert panel.session._make_setting().noise == 0.1
    panel.choices.seeds.value = 7
    assert panel.session.seeds == 7


def test_a_moved_slider_reaches_the_method_of_the_next_run() -> None:
    panel = lab(method=KD(temperature=2.0))
    assert panel.session.method.temperature == 2.0
    panel.choices.method.controls.fields["temperature"].value = 6.0
    panel.choices.seeds.value = 4  # a new session
    assert panel.session.method.temperature == 6.0


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(KeyError, match="digits"):
        lab("digit")
    with pytest.raises(KeyError, match="kd"):
        lab(method="kdd")


# --- while it runs --------------------------------------------------------------------------------------------------
def test_the_buttons_drive_the_session(panels: Callable[..., LivePanel]) -> None:
    panel = panels(setting(epochs=3000), "kd")
    press(panel, "start")
    until(panel, lambda s: s.status == "running")
    assert enabled(panel) == {"pause", "step", "stop"}
    assert panel.choices.method.menu.disabled
    press(panel, "pause")
    held = until(panel, lambda s: s.status == "paused")
    assert panel.transport.buttons["pause"].description == "Resume"
    assert f"student {held.lanes[0].step}/15000" in panel.transport.text.value

    press(panel, "step")
    stepped = until(panel, lambda s: s.lanes[0].step > held.lanes[0].step)
    assert stepped.lanes[0].step == held.lanes[0].step + 1
    drawn = {trace.name: trace.x[-1] for trace in panel.plots.losses.figure.data}
    assert drawn["student soft"] == drawn["control labels"] == stepped.lanes[0].step

    panel.choices.method.controls.fields["temperature"].value = 8.0
    press(panel, "pause")
    until(panel, lambda s: s.marks)
    press(panel, "stop")
    panel.session.wait(PATIENCE)
    notes = [note.text for note in panel.plots.losses.figure.layout.annotations]
    assert any("temperature \u2192 8" in note for note in notes)
    assert enabled(panel) == {"start"}
    assert panel.transport.text.value.count("Stopped.") == 1


def test_the_plots_hold_every_point_although_they_only_grew(finished: LivePanel) -> None:
    student, control = finished.session.snapshot.lanes
    losses = {trace.name: trace for trace in finished.plots.losses.figure.data}
    assert set(losses) == {"student soft", "student labels", "control labels"}
    np.testing.assert_array_equal(losses["student soft"].y, student.terms["soft"].values)
    np.testing.assert_array_equal(losses["control labels"].x, control.terms["labels"].steps)
    scores = {trace.name: trace for trace in finished.plots.scores.figure.data}
    np.testing.assert_array_equal(scores["student"].y, student.validation.values)
    np.testing.assert_array_equal(scores["agreement"].y, student.agreement.values)
    assert set(scores["teacher"].y) == {finished.session.snapshot.teacher}


def test_two_panels_look_at_one_session_and_another_run_clears_both(
    finished: LivePanel, panels: Callable[..., LivePanel]
) -> None:
    other = panels(session=finished.session)
    assert other.transport.text.value == finished.transport.text.value
    assert other.explore is not None
    press(other, "start")
    until(other, lambda s: s.status in ("running", "finished"))
    finished.session.wait(PATIENCE)
    assert finished.session.snapshot.status == "finished"
    assert finished.explore is not None
    assert other.plots.losses.figure == finished.plots.losses.figure


def test_a_failure_is_one_escaped_line(panels: Callable[..., LivePanel]) -> None:
    def broken() -> MLP:
        raise ValueError("the layer <img> was not found in this net")

    panel = panels(setting().but(student=broken), "kd")
    press(panel, "start")
    assert panel.session.wait(PATIENCE).status == "failed"
    assert "Failed: the layer &lt;img&gt; was not found in this net" in panel.transport.text.value
    assert enabled(panel) == {"start"}


@pytest.mark.slow
def test_the_regions_of_a_plane_are_drawn(panels: Callable[..., LivePanel]) -> None:
    panel = panels("two_moons", "kd", seeds=1)
    assert panel.plots.regions.layout.display == "none"
    press(panel, "start")
    assert panel.session.wait(PATIENCE).status == "finished"
    assert panel.plots.regions.layout.display == ""
    names = {trace.name for trace in panel.plots.regions.figure.data}
    assert {"teacher", "student", "control"} <= names


# --- after ----------------------------------------------------------------------------------------------------------
def test_the_table_says_one_seed_no_verdict_until_the_button_fills_it_in(finished: LivePanel) -> None:
    verdict = finished.verdict
    assert "one seed, no verdict" in verdict.table.value
    assert verdict.remaining.description == "Run the remaining seeds"
    verdict.remaining.click()
    done = finished.session.wait(PATIENCE)
    assert done.status == "finished"
    assert done.study.comparisons["kd"].sentence in verdict.table.value.replace("&#x27;", "'")
    assert verdict.remaining.layout.display == "none"
    assert finished.explore is not None  # the first seed's views stay


def test_cells_bars_and_brush_choose_the_cards(finished: LivePanel) -> None:
    explore, run = finished.explore, finished.session.snapshot.runs["student"]
    student, teacher = (run.predictions[party].argmax(1) for party in ("student", "teacher"))
    explore.only.value = False
    clicks.click(explore.confusion, 1, x=0, y=0)
    assert explore.gallery.total == int(((student == 0) & (teacher == 0)).sum())
    assert len(explore.maps["class"].selection) == explore.gallery.total

    wrong = (student != run.test_labels) & (teacher != run.test_labels)
    bar = 2 + OUTCOMES.index("both_wrong")
    clicks.click(explore.confusion, bar)
    assert explore.gallery.total == int(wrong.sum())

    mask = np.zeros(len(run.test_ids), bool)
    mask[:20] = True
    explore.maps["class"].set_state({"mask": mask.tobytes()})
    assert explore.gallery.total == 20
    np.testing.assert_array_equal(explore.maps["who is right"].selection.ids, run.test_ids[:20])
    explore.everything.click()
    assert explore.gallery.total == len(run.test_ids)
    assert len(explore.maps["class"].selection) == 0


def test_only_disputed_samples_are_shown_unless_there_are_none(finished: LivePanel) -> None:
    explore = finished.explore
    assert explore.gallery.total == len(explore.differ) > 0
    agreed = np.setdiff1d(finished.session.snapshot.runs["student"].test_ids, explore.differ.ids)[:5]
    explore.choose(type(explore.differ)(agreed, "<i>five</i>"))
    assert explore.gallery.total == 5
    assert "all are shown" in explore.caption.value
    assert "&lt;i&gt;five&lt;/i&gt;" in explore.caption.value


def test_the_most_disputed_samples_come_first(finished: LivePanel) -> None:
    shown = [int(card["id"]) for card in finished.explore.gallery._cards]
    assert shown == finished.explore.differ.ids[: len(shown)].tolist()


def test_the_state_is_small_json_and_rebuilds_the_panel(finished: LivePanel) -> None:
    finished.explore.gallery.temperature = 3.0
    finished.explore.choose(type(finished.explore.differ)(finished.explore.differ.ids[:2], "two"))
    text = json.dumps(finished.state())
    assert len(text) < 1000
    again = LivePanel.from_state(json.loads(text), session=finished.session)
    assert again.state() == finished.state()
    assert again.explore.gallery.total == 2


def test_a_panel_without_its_session_keeps_its_choices() -> None:
    panel = lab("digits", make("dkd", {"temperature": 2.0}), seeds=4)
    panel.choices.setting.controls.fields["transfer_inputs"].value = 500
    again = LivePanel.from_state(json.loads(json.dumps(panel.state())))
    assert again.state() == panel.state()
    assert again.session.method.temperature == 2.0


@pytest.mark.parametrize(
    ("snapshot", "text"),
    [
        (Snapshot(status="running", message="On.", remaining_s=12.3), "On. About 12 s left."),
        (Snapshot(status="seeds", message="On.", remaining_s=200.0), "On. About 3 min left."),
        (Snapshot(status="paused", message="On.", remaining_s=5.0), "Paused. On."),
        (Snapshot(status="failed", message="Off."), "Failed: Off."),
    ],
)
def test_the_line_of_text(snapshot: Snapshot, text: str) -> None:
    assert line(snapshot) == text
