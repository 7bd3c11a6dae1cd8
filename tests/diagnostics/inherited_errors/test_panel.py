"""The panel of inherited errors: three choices or a click make a set of samples, counted here one by one."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests import clicks
from tests.examples import HOSTILE, outputs, run
from workbench.diagnostics.inherited_errors.measure import inherited_errors, inherited_errors_of
from workbench.diagnostics.inherited_errors.panel import NOBODY, InheritedErrorsPanel
from workbench.drawing.draw import draw
from workbench.widgets.panel import panel

OWN = {"name": "mine", "config": {}, "task": "classification"}
RUN = run(setting=OWN)
OTHER = run(name="labels_only", setting=OWN, predictions={"student": outputs()[0] + outputs(seed=3)[0]})
RESULT = inherited_errors_of(RUN, {"labels only": OTHER, HOSTILE: run(setting=OWN)})


def click(shown: InheritedErrorsPanel, trace: int, y: float) -> None:
    clicks.click(shown.picture, trace, y=y)


def counted(wrong: bool, follows: bool, model: str = "student", unlike: str = "") -> list[int]:
    """Ids by a loop over the samples."""
    said = {"student": RUN, "labels only": OTHER}
    found = []
    for row, number in enumerate(RUN.test_ids):
        taught = int(np.argmax(RUN.predictions["teacher"][row]))

        same = {name: int(np.argmax(each.predictions["student"][row])) == taught for name, each in said.items()}
        apart = not unlike or same[unlike] != follows
        if (taught != RUN.test_labels[row]) == wrong and same[model] == follows and apart:
            found.append(int(number))
    return found


def test_it_begins_with_the_errors_that_were_taken_over() -> None:
    shown = panel(RESULT)
    assert shown.picture.figure == draw(RESULT)
    assert shown.selection.ids.tolist() == counted(wrong=True, follows=True)
    assert shown.cards.gallery.total == round(RESULT.when_wrong["student"].mean * RESULT.teacher_wrong)


@pytest.mark.parametrize(
    ("trace", "row", "wanted"),
    [
        (0, 0.1, {"wrong": False, "follows": True}),
        (1, 0.9, {"wrong": True, "follows": True, "model": "labels only"}),
        (1, 2.1, {"wrong": True, "follows": True, "model": "labels only"}),
        (4, 0.1, {"wrong": False, "follows": True, "unlike": "labels only"}),
        (4, 0.9, {"wrong": True, "follows": True, "unlike": "labels only"}),
    ],
)
def test_a_dot_is_its_samples(trace: int, row: float, wanted: dict) -> None:
    shown, heard = panel(RESULT, following="error not taken over"), []
    shown.on_selection(heard.append)
    click(shown, trace, row)
    assert shown.selection.ids.tolist() == counted(**wanted) != []
    assert [each.ids.tolist() for each in heard] == [counted(**wanted)]


def test_chance_and_the_difference_of_differences_have_no_samples() -> None:
    shown, heard = panel(RESULT), []
    shown.on_selection(heard.append)
    click(shown, 3, 2.0)
    click(shown, 4, 2.0)
    assert heard == []


def test_the_cards_are_those_of_the_model_that_is_chosen() -> None:
    shown = panel(RESULT)
    shown.model.value, shown.following.value = "labels only", "right answer not followed"
    assert shown.selection.ids.tolist() == counted(wrong=False, follows=False, model="labels only")
    card = shown.cards.gallery._cards[0]
    row = RUN.test_ids.tolist().index(int(card["id"]))
    assert card["student"] == pytest.approx(OTHER.predictions["student"][row])
    assert card["teacher"] == pytest.approx(RUN.predictions["teacher"][row])


def test_nothing_is_unlike_itself() -> None:
    shown = panel(RESULT)
    shown.unlike.value = "student"
    assert len(shown.selection) == 0
    assert len(shown.cards.children) == 1
    shown.unlike.value = NOBODY
    assert len(shown.cards.children) == 2


def test_the_state_rebuilds_it() -> None:
    shown = panel(RESULT)
    click(shown, 4, 0.9)
    again = InheritedErrorsPanel.from_state(json.loads(json.dumps(shown.state())), RESULT)
    assert again.state() == shown.state()
    assert again.selection.ids.tolist() == shown.selection.ids.tolist()
    assert repr(again) == f"InheritedErrorsPanel(student, error taken over: {len(shown.selection)} samples)"


def test_names_are_escaped_and_arrays_have_no_samples() -> None:
    shown = panel(RESULT, model=HOSTILE)
    assert "<img" not in shown.cards.children[0].value
    student, teacher, labels = outputs()
    with pytest.raises(ValueError, match="a panel needs them"):
        panel(inherited_errors(student, teacher, labels))
