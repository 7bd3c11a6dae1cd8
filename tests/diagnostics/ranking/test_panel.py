"""The ranking's panel without a kernel: another column, another picture."""

from __future__ import annotations

import json
from functools import partial

import pytest

from workbench.diagnostics.ranking.measure import columns_for, ranking_of
from workbench.diagnostics.ranking.panel import RankingPanel
from workbench.drawing.draw import draw
from workbench.engine.study.study_of import study_of
from workbench.records.study import Study
from workbench.widgets.panel import panel

MEANS = {"labels_only": 80.0, "kd": 82.0, "dkd": 83.0, "fsp": 79.0}


@pytest.fixture(scope="module")
def study() -> Study:
    trials = {name: partial(_score, name) for name in MEANS}
    return study_of(trials, "labels_only", 3)


def _score(name: str, seed: int) -> float:
    return MEANS[name] + 0.1 * seed * len(name)


@pytest.fixture
def shown(study) -> RankingPanel:
    return panel(ranking_of(study, "F"), study=study)


def test_columns_without_two_common_methods_are_not_offered(shown, study) -> None:
    offered = [value for _, value in shown.column.options]
    assert offered == columns_for(study)
    assert {"A", "H", "R34->R18"} <= set(offered)
    assert "original" not in offered


def test_another_column_is_another_ranking(shown, study) -> None:
    shown.column.value = "H"
    wanted = ranking_of(study, "H")
    assert shown.result.column == "H"
    assert shown.view.figure == draw(wanted)
    assert shown.view.height == draw(wanted).layout.height != draw(ranking_of(study, "F")).layout.height
    assert "fsp" in wanted.left_out
    assert "only 3 common methods" in shown.sentence.value


def test_its_state_rebuilds_it(shown, study) -> None:
    shown.column.value = "B"
    again = RankingPanel.from_state(json.loads(json.dumps(shown.state())), study)
    assert again.state() == shown.state()
    assert again.view.figure == shown.view.figure
