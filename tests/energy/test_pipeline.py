"""The pipeline equation, its limits, and carbon that is only known if somebody says so."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.energy.carbon import Grid, carbon_g
from workbench.energy.component import KWH_J
from workbench.energy.pipeline import Pipeline, samples_to_break_even, students_to_break_even

ALL = {
    "student_j": 11.0,
    "artefact_j": 70.0,
    "pretraining_j": 1000.0,
    "preparation_j": 3.0,
    "evaluation_j": 5.0,
    "serving_j": 0.25,
    "allocation": 0.1,
    "runs": 4,
}


def test_every_term_once() -> None:
    assert Pipeline("kd", **ALL).energy_j(2, 8) == pytest.approx(3 + 0.1 * 1000 + 70 / 2 + 4 * 11 + 5 + 8 * 0.25)


def test_with_endless_reuse_only_the_student_is_left() -> None:
    assert Pipeline("kd", student_j=11.0, artefact_j=7e6).energy_j(1e15) == pytest.approx(11.0)


def test_curves_are_made_at_once() -> None:
    reuse, served = np.array([1.0, 2.0, 7.0]), np.array([[0.0], [100.0]])
    grid = Pipeline("kd", **ALL).energy_j(reuse, served)
    assert grid.shape == (2, 3)
    assert grid[1, 2] == pytest.approx(Pipeline("kd", **ALL).energy_j(7, 100))


def test_at_the_break_even_both_ways_cost_the_same() -> None:
    kd, plain = Pipeline("kd", student_j=4.0, artefact_j=30.0), Pipeline("labels", student_j=9.0)
    shared = students_to_break_even(kd.artefact_j, plain.student_j, kd.student_j)
    assert kd.energy_j(shared) == pytest.approx(plain.energy_j(shared))
    served = samples_to_break_even(34.0 - 9.0, 0.5, 0.25)
    assert 34.0 + served * 0.25 == pytest.approx(9.0 + served * 0.5)


@pytest.mark.parametrize("saved", [0.0, -1.0])
def test_what_saves_nothing_never_pays(saved: float) -> None:
    assert students_to_break_even(10.0, 5.0 + saved, 5.0) == math.inf
    assert samples_to_break_even(10.0, 5.0 + saved, 5.0) == math.inf


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"allocation": 1.5}, "allocation"), ({"runs": 0}, "runs"), ({"artefact_j": -1.0}, "artefact_j of 'kd'")],
)
def test_what_cannot_be_is_refused(changes: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Pipeline("kd", **(ALL | changes))


def test_no_student_shares_less_than_one_artefact() -> None:
    with pytest.raises(ValueError, match="one student at least"):
        Pipeline("kd", **ALL).energy_j(0.5)


def test_a_kilowatt_hour_is_three_point_six_megajoules() -> None:
    assert KWH_J == 1000 * 60 * 60


def test_carbon_is_unknown_until_somebody_says_how_clean_the_grid_is() -> None:
    assert carbon_g(KWH_J, None) is None
    assert carbon_g(2 * KWH_J, Grid(300.0, "the grid operator", 2024, "here", pue=1.5)) == pytest.approx(900)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"source": ""}, "needs a source"),
        ({"year": 0, "region": ""}, "needs a year, region"),
        ({"g_per_kwh": -1.0}, "-1 g/kWh"),
        ({"pue": 0.9}, "a PUE of 0.9"),
    ],
)
def test_a_number_that_nobody_could_check_is_refused(changes: dict[str, object], says: str) -> None:
    given = {"g_per_kwh": 300.0, "source": "the operator", "year": 2024, "region": "here"}
    with pytest.raises(ValueError, match=says):
        Grid(**(given | changes))
