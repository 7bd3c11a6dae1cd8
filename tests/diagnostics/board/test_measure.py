"""The board against numbers that are counted here, from arrays and from a study."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import softmax

from tests.diagnostics.board.examples import ARMS
from workbench.diagnostics.board.measure import SCALES, Board, board, board_of
from workbench.engine.store.store import Store
from workbench.engine.study.study import study
from workbench.records.budget import Budget
from workbench.records.interval import Interval
from workbench.records.study import Study
from workbench.settings.two_moons import TwoMoons


def test_values_of_seeds_become_a_mean_with_students_t() -> None:
    found = board(ARMS)
    values = ARMS["kd"]["score"]
    half = stats.t.ppf(0.975, 2) * np.std(values, ddof=1) / math.sqrt(3)
    cell = found.score[found.arms.index("kd")]
    assert (cell.mean, cell.low, cell.high) == pytest.approx(
        (np.mean(values), np.mean(values) - half, np.mean(values) + half)
    )
    assert found.divergence[1] == ARMS["kd"]["divergence"]
    assert math.isnan(found.energy[2].mean)
    assert found.n == 3


def test_shares_stay_between_0_and_1() -> None:
    found = board({"a": {"agreement": [0.99, 1.0, 0.95], "ece": [0.0, 0.02, 0.001]}})
    assert found.agreement[0].high <= 1
    assert found.ece[0].low >= 0


def test_the_wanted_end_of_a_scale() -> None:
    found = board(
        {"a": {"score": [3.0, 4.0, 5.0], "ece": [0.2, 0.2, 0.2]}, "b": {"score": [1.0, 2.0, 3.0], "ece": [0.1] * 3}}
    )
    assert (found.best("score"), found.best("ece"), found.best("flatness")) == (0, 1, None)
    assert board({"a": {"score": [3.0]}, "b": {"score": [1.0]}}, higher_is_better=False).best("score") == 1
    assert board({"a": {"score": [3.0]}, "b": {"score": [3.0]}}).best("score") is None
    said = found.explain()
    assert "a has the highest score, 4 (95 % interval" in said
    assert "b has the lowest calibration error (ECE), 0.1" in said
    assert "Not known: agreement with the teacher, divergence" in said


@pytest.mark.parametrize(
    ("arms", "error", "words"),
    [
        ({}, ValueError, "one row or more"),
        ({"a": {"accuracy": [1.0]}}, KeyError, "no scale 'accuracy'; there are score, agreement"),
        ({"a": {"score": [[1.0]]}}, ValueError, "a: score must be"),
        ({"a": {"score": [math.nan]}}, ValueError, "finite"),
    ],
)
def test_other_arms_are_refused(arms: dict, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        board(arms)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Study:
    budget = Budget(epochs=3, batch_size=16)
    return study(
        TwoMoons(student_labels=60),
        ["kd"],
        3,
        budget=budget,
        quick=True,
        store=Store(folder=tmp_path_factory.mktemp("s")),
    )


@pytest.fixture(scope="module")
def found(taught: Study) -> Board:
    return board_of(taught, flatness=False)


def test_agreement_and_calibration_are_those_of_the_stored_answers(taught: Study, found: Board) -> None:
    agreements, errors = [], []
    for seed in (0, 1, 2):
        run = taught.run("kd", seed)
        student, teacher = run.predictions["student"], run.predictions["teacher"]
        agreements.append(np.mean([s.argmax() == t.argmax() for s, t in zip(student, teacher, strict=True)]))
        table = [
            (p.max(), float(p.argmax() == y))
            for p, y in zip(softmax(student.astype(float), 1), run.test_labels, strict=True)
        ]
        bins: dict[int, list[tuple[float, float]]] = {}
        for confidence, hit in table:
            bins.setdefault(math.ceil(confidence * 15), []).append((confidence, hit))
        errors.append(sum(abs(sum(h - c for c, h in each)) for each in bins.values()) / len(table))
    at = found.arms.index("kd")
    assert found.agreement[at].mean == pytest.approx(np.mean(agreements))
    assert found.ece[at].mean == pytest.approx(np.mean(errors))


def test_a_board_of_a_study_has_its_scores_and_says_what_it_lacks(taught: Study, found: Board) -> None:
    assert found.arms == ("labels_only", "kd")
    assert found.score[1] == taught.arms["kd"].interval
    assert found.divergence[1].mean < found.divergence[0].mean
    assert found.energy[1].mean > 0
    assert found.missing == {f"{arm}: flatness": "it was not asked for" for arm in found.arms}


def test_flatness_is_the_mean_trace_of_the_students(taught: Study) -> None:
    from workbench.diagnostics.flatness.measure import flatness_of

    asked = board_of(taught)
    traces = [flatness_of(taught.run("kd", seed)).traces["student"].mean for seed in (0, 1, 2)]
    assert asked.flatness[1].mean == pytest.approx(np.mean(traces))
    assert isinstance(asked.flatness[1], Interval)
    assert set(asked.cells(1)) == set(SCALES)
