"""The panel of a confusion without a kernel."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from tests import clicks, examples
from tests.engine.study.conftest import make_setting
from workbench.diagnostics.confusion import measure_numbers as confusion_numbers
from workbench.diagnostics.confusion.figure import WORDS
from workbench.diagnostics.confusion.measure import Confusion, confusion_of
from workbench.diagnostics.confusion.panel import ConfusionPanel
from workbench.drawing.draw import draw
from workbench.records.run import Run
from workbench.widgets.panel import panel


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confusion_numbers, "RESAMPLES", 30)


@pytest.fixture
def run() -> Run:
    return examples.run(classes=3, names=("a", "b", "c"))


@pytest.fixture
def result(run: Run) -> Confusion:
    return confusion_of(run)


def test_it_shows_both_forms(run: Run, result: Confusion) -> None:
    made = panel(result, run=run)
    assert isinstance(made, ConfusionPanel)
    assert _shown(made) == _words(result)
    made.mode.value = "paper"
    assert _shown(made) == _words(confusion_of(run, mode="paper")) != _words(result)
    assert repr(made) == f"ConfusionPanel({confusion_of(run, mode='paper').explain()})"


def test_a_table_shows_where_the_forms_differ(run: Run, result: Confusion) -> None:
    made, released = panel(result, run=run, second=run), confusion_of(run, mode="paper")
    for mode in ("corrected", "paper"):
        made.mode.value = mode
        rows = [[cell.text or "" for cell in row] for row in ElementTree.fromstring(made.table.value)]
        assert [row[0] for row in rows[1:]] == list(WORDS.values())
        for row, name in zip(rows[1:], WORDS, strict=True):
            here, there = getattr(result, name).mean, getattr(released, name).mean
            assert row[1:4] == [
                _with_bounds(result, name),
                _with_bounds(released, name),
                "-" if np.isnan(there - here) else f"{there - here:+.2f}",
            ]
    assert "leaves classes without errors out" in made.words.value
    assert "Two teachers" in made.words.value


def _with_bounds(result: Confusion, name: str) -> str:
    found = getattr(result, name)
    return "-" if np.isnan(found.mean) else f"{found.mean:.2f} ({found.low:.2f} to {found.high:.2f})"


def test_a_cell_tells_its_samples(run: Run, result: Confusion) -> None:
    made, told = panel(result, run=run), []
    made.on_selection(told.append)
    clicks.click(made.picture, 1, x=2, y=0)
    chosen = run.predictions["student"].argmax(axis=1)
    assert told[-1].name == "a taken for c"
    assert told[-1].ids.tolist() == run.test_ids[(run.test_labels == 0) & (chosen == 2)].tolist()
    clicks.click(made.picture, 2, x=0.1, y=0.2)  # a point of the scatter is no cell
    assert len(told) == 1


def test_it_starts_with_the_most_frequent_error(run: Run, result: Confusion) -> None:
    wrong = result.counts - np.diag(np.diag(result.counts))
    assert len(panel(result, run=run).chosen) == wrong.max()


def test_its_state_rebuilds_it(run: Run, result: Confusion) -> None:
    made = panel(result, run=run)
    made.mode.value = "paper"
    clicks.click(made.picture, 0, x=0, y=1)
    again = ConfusionPanel.from_state(json.loads(json.dumps(made.state())), result, run)
    assert again.state() == made.state()
    assert again.caption.value == made.caption.value


def test_cards_follow_where_the_setting_is_known() -> None:
    setting = make_setting()
    generator = np.random.default_rng(0)
    outputs = {party: generator.normal(size=(200, 3)).astype(np.float32) for party in ("student", "teacher")}
    labels = setting.test.labels.numpy()
    run = examples.run(predictions=outputs, test_ids=setting.test.ids.numpy(), test_labels=labels, facts={})
    made = panel(confusion_of(run), run=run, setting=setting)
    clicks.click(made.picture, 0, x=1, y=2)
    assert made.cards.total == len(made.chosen) > 0
    assert torch.equal(setting.test.ids, torch.as_tensor(run.test_ids))


def _words(result: Confusion) -> list[float | str]:
    return [draw(result).layout.xaxis3.title.text, result.pearson.mean, result.cosine.mean]


def _shown(made: ConfusionPanel) -> list[float | str]:
    figure = made.picture.figure
    return [figure.layout.xaxis3.title.text, figure.data[-1].x[0], figure.data[-1].x[2]]
