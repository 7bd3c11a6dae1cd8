"""The panel of disagreeing seeds: an arm, a pair, and the samples on which the two differ."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests import clicks
from tests.diagnostics.study_agreement.examples import stored
from workbench.diagnostics.seed_disagreement.measure import seed_disagreement, seed_disagreement_of
from workbench.diagnostics.seed_disagreement.panel import SeedDisagreementPanel
from workbench.drawing.draw import draw
from workbench.widgets.panel import panel

STUDY = stored()
RESULT = seed_disagreement_of(STUDY)


def click(shown: SeedDisagreementPanel, trace: int, x: float, y: float) -> None:
    clicks.click(shown.picture, trace, x=x, y=y)


def differ(arm: str, first: int, second: int) -> list[int]:
    runs = [STUDY.run(arm, seed) for seed in (first, second)]
    said = [run.predictions["student"].argmax(1) for run in runs]
    return sorted(int(i) for i, a, b in zip(runs[0].test_ids, *said, strict=True) if a != b)


def test_it_begins_with_the_first_pair() -> None:
    shown = panel(RESULT)
    assert shown.picture.figure == draw(RESULT)
    assert shown.pair.value == (0, 1)
    assert sorted(shown.selection.ids) == differ("method_1", 0, 1)
    assert len(shown.selection) == round(RESULT.by_pair[0, 0] * RESULT.n)


def test_a_circle_is_its_pair() -> None:
    shown, heard = panel(RESULT), []
    shown.on_selection(heard.append)
    click(shown, 1, RESULT.by_pair[2, 1], RESULT.by_pair[2, 0])
    assert shown.pair.value == (1, 2)
    assert [sorted(each.ids) for each in heard] == [differ("method_1", 1, 2)]
    click(shown, 2, 0.0, 0.0)  # the mean is no pair
    assert len(heard) == 1


def test_another_arm_keeps_the_pair_and_draws_its_own_picture() -> None:
    shown, heard = panel(RESULT), []
    shown.pair.value = (0, 2)
    shown.on_selection(heard.append)
    shown.arm.value = "labels_only"
    assert shown.picture.figure == draw(seed_disagreement_of(STUDY, "labels_only"))
    assert [sorted(each.ids) for each in heard] == [differ("labels_only", 0, 2)]
    assert "seeds of labels only" in shown.sentence.value


def test_the_cards_are_those_of_the_first_seed() -> None:
    shown = panel(RESULT)
    shown.pair.value = (1, 2)
    card = shown.cards.gallery._cards[0]
    run = STUDY.run("method_1", 1)
    assert card["student"] == pytest.approx(run.predictions["student"][run.test_ids.tolist().index(int(card["id"]))])
    assert "what seed 1 says" in shown.cards.children[0].value


def test_the_state_rebuilds_it() -> None:
    shown = panel(RESULT)
    shown.arm.value, shown.pair.value = "method_2", (0, 2)
    again = SeedDisagreementPanel.from_state(json.loads(json.dumps(shown.state())), RESULT)
    assert again.state() == shown.state()
    assert again.picture.figure == shown.picture.figure
    assert sorted(again.selection.ids) == sorted(shown.selection.ids)
    assert repr(again).startswith("SeedDisagreementPanel(method_2, seeds 0 and 2: ")


def test_arrays_have_no_samples() -> None:
    with pytest.raises(ValueError, match="a panel needs it"):
        panel(seed_disagreement(np.eye(3)[[[0, 1], [0, 2]]], [0, 1]))
