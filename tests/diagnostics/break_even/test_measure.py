"""Break-evens against the published table, closed forms and the crossing of the curves."""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t

from tests.contracts.probes.world import setting
from tests.diagnostics.energy.ledgers import book, pair
from workbench.data.shipped import shipped
from workbench.diagnostics.break_even.measure import break_even, break_even_of
from workbench.diagnostics.break_even.measure_balance import NEVER, NO_SEEDS, NOT_SHOWN, SHOWN, UNKNOWN, balance
from workbench.diagnostics.break_even.measure_parts import Assumptions
from workbench.diagnostics.energy.measure import energy_of
from workbench.energy.carbon import Grid
from workbench.energy.component import KWH_J
from workbench.energy.pipeline import Pipeline, students_to_break_even
from workbench.energy.presets import Preset
from workbench.engine.store import Store
from workbench.engine.study.study import study
from workbench.methods.catalog import make
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe

TABLE = json.loads(shipped("reference/energy_stages.json").read_text())
ROWS = {(row["pipeline"], row["student"]): row for row in TABLE["pipelines"]}
WHOLE = [row for row in ROWS.values() if row["stages_kwh"] and row["total_kwh"]]
MINE = Assumptions(preset=Preset("mine", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "a joule per second"))


# --- the published table -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("row", WHOLE, ids=lambda row: f"{row['pipeline']} {row['student']}")
def test_published_stages_sum_to_the_published_total(row: dict) -> None:
    assert len(WHOLE) == 5
    assert sum(row["stages_kwh"]) == pytest.approx(row["total_kwh"], abs=1e-9)


@pytest.mark.parametrize("row", TABLE["break_even"], ids=lambda row: f"{row['pipeline']} {row['student']}")
def test_published_break_evens_come_out_again(row: dict) -> None:
    stage = TABLE["stages"].index
    made, plain = (ROWS[name, row["student"]]["stages_kwh"] for name in (row["pipeline"], "labels"))
    energies = (made[stage("teacher_outputs")], plain[stage("student")], made[stage("student")])
    assert students_to_break_even(*energies) == pytest.approx(row["students"], abs=0.005)
    found = balance(*([energy] * 3 for energy in energies))
    assert (found.times.mean, found.verdict) == (pytest.approx(row["students"], abs=0.005), SHOWN)


@pytest.mark.parametrize("row", [r for r in TABLE["pipelines"] if r["joules_per_token"]], ids=lambda r: r["pipeline"])
def test_every_published_joule_per_token_is_of_thirty_million_tokens(row: dict) -> None:
    tokens = row["total_kwh"] * KWH_J / row["joules_per_token"] / 1e6
    assert tokens == pytest.approx(TABLE["tokens_millions"]["value"], rel=0.006)


def test_a_published_pipeline_costs_what_the_equation_says() -> None:
    preparation, outputs, student, evaluation = ROWS["cached_logits", "1B"]["stages_kwh"]
    kd = Pipeline("kd", student, artefact_j=outputs, preparation_j=preparation, evaluation_j=evaluation)
    assert kd.energy_j(1) == pytest.approx(16.90)
    assert kd.energy_j(10) == pytest.approx(16.90 - 0.9 * 11.00)


# --- once against again and again --------------------------------------------------------------------------------
def test_a_fixed_price_over_a_saving_that_varies_is_the_inverse_of_its_t_interval() -> None:
    saved = np.array([1.1, 0.9, 1.2, 0.95, 0.85])
    found = balance([6.0] * 5, 3 + saved, [3.0] * 5)
    half = t.ppf(0.975, 4) * saved.std(ddof=1) / 5**0.5
    assert (found.times.low, found.times.high) == pytest.approx((6 / (1 + half), 6 / (1 - half)))
    assert (found.times.mean, found.verdict) == (pytest.approx(6.0), SHOWN)


def test_a_saving_that_may_be_nothing_demonstrates_nothing() -> None:
    found = balance([6.0] * 5, [3.2, 2.7, 3.4, 2.9, 3.1], [3.0] * 5)
    assert found.verdict == NOT_SHOWN
    assert found.times.mean == pytest.approx(6 / 0.06)
    assert math.isnan(found.times.low)


def test_a_student_that_saves_nothing_never_pays() -> None:
    found = balance([6.0] * 4, [2.0, 2.1, 1.9, 2.0], [3.0] * 4)
    assert (found.times.mean, found.verdict) == (math.inf, NEVER)
    assert balance([6.0] * 3, [2.0] * 3, [2.0] * 3).verdict == NEVER


def test_few_seeds_decide_nothing_and_missing_energies_are_not_zero() -> None:
    assert balance([6.0] * 2, [3.0] * 2, [2.0] * 2).verdict == NO_SEEDS
    found = balance([6.0] * 3, [3.0] * 3, [2.0, math.nan, 2.0])
    assert found.verdict == UNKNOWN
    assert math.isnan(found.times.mean)
    with pytest.raises(ValueError, match="one of each per seed"):
        balance([6.0], [3.0, 3.0], [2.0, 2.0])


# --- from ledgers ------------------------------------------------------------------------------------------------
def test_the_curves_cross_at_the_break_even() -> None:
    found = break_even(pair(saved=1.0, outputs=3.0), assuming=MINE)
    assert found.students.mean == pytest.approx(3.0)
    again = break_even(found.books, reuse=found.students.mean, assuming=MINE)
    assert again.at["energy_j"]["kd"] == pytest.approx(again.at["energy_j"]["labels_only"])
    before, after = (found.reuse_j[:, 1, k] for k in (0, -1))
    assert before[1] > before[0]
    assert after[1] < after[0]


def test_the_served_curves_cross_where_the_student_has_paid_for_itself() -> None:
    found = break_even(pair(saved=1.0, outputs=3.0), reuse=2, assuming=MINE)
    # 0.1 + 0.3 + 4 + 3 / 2 processor seconds to make; 9e-4 saved per answer.
    assert found.samples.mean == pytest.approx(5.9 / 9e-4)
    again = break_even(found.books, reuse=2, served=found.samples.mean, assuming=MINE)
    assert again.at["energy_j"]["kd"] == pytest.approx(again.at["energy_j"]["teacher"])


def test_the_map_turns_where_the_curves_cross() -> None:
    found = break_even(pair(saved=1.0, outputs=3.0), assuming=MINE)
    for row, served in enumerate(found.served):
        for column, reuse in enumerate(found.reuse):
            ways = (5.4 + 1e-4 * served, 4.4 + 3 / reuse + 1e-4 * served, 1e-3 * served)
            assert found.cheapest[row, column] == ways.index(min(ways)), (served, reuse)
    assert set(found.cheapest.ravel()) == {0, 1, 2}


def test_reuse_without_end_leaves_what_every_student_costs() -> None:
    found = break_even(pair(outputs=3.0), reuse=1e9, assuming=MINE)
    assert found.at["energy_j"]["kd"] == pytest.approx(found.pipelines["kd"]["each"])


def test_runs_and_failures_multiply_the_student_and_allocation_adds_the_teacher() -> None:
    plain = break_even(pair(saved=1.0, seeds=4, outputs=3.0), assuming=MINE)
    more = Assumptions(preset=MINE.preset, runs=3, failed=2, allocation=0.01)
    found = break_even(plain.books, assuming=more)
    assert found.runs == pytest.approx(3 * (1 + 2 / 8))
    assert found.saved.mean == pytest.approx(3.75 * plain.saved.mean - 0.01 * 20)


def test_the_whole_teacher_on_one_student_never_pays() -> None:
    found = break_even(pair(saved=1.0), assuming=Assumptions(allocation=1.0))
    assert (found.students.mean, found.students_verdict) == (math.inf, NEVER)
    assert "never" in found.explain()


def test_the_price_does_not_decide_where_both_models_agree() -> None:
    found = break_even(pair(saved=1.0, outputs=3.0))
    by = found.by_model
    assert by["cpu_time_model"]["cheaper"] == by["flops_model"]["cheaper"] == "labels_only"
    assert by["cpu_time_model"]["students"] == pytest.approx(by["flops_model"]["students"])
    dear = break_even(found.books, assuming=Assumptions(preset="laptop"))
    assert dear.students.mean == pytest.approx(found.students.mean)


def test_bands_hold_the_curves() -> None:
    found = break_even(pair())
    for curves in (found.reuse_j, found.served_j):
        assert (curves[:, 0] <= curves[:, 1]).all()
        assert (curves[:, 1] <= curves[:, 2]).all()
    assert found.reuse[0] == 1
    assert found.served[0] == 0
    assert found.reuse[-1] >= 4 * found.students.mean


def test_carbon_only_with_a_grid() -> None:
    assert set(break_even(pair()).at["carbon_g"].values()) == {None}
    grid = Grid(500.0, "the operator", 2024, "here")
    found = break_even(pair(), assuming=Assumptions(preset=MINE.preset, grid=grid))
    assert found.at["carbon_g"]["kd"] == pytest.approx(found.at["energy_j"]["kd"] / KWH_J * 500)


def test_arms_of_equal_steps_are_warned_about() -> None:
    assert any("same number of steps" in each for each in break_even(pair()).warnings)


def test_seeds_are_paired_by_number_and_not_by_place() -> None:
    books = pair(saved=1.0, seeds=5)
    turned = {"labels_only": books["labels_only"], "kd": books["kd"][::-1][:4]}
    found, straight = break_even(turned, assuming=MINE), break_even({**books, "kd": books["kd"][1:]}, assuming=MINE)
    assert found.n == 4
    assert (found.saved, found.students) == (straight.saved, straight.students)


def test_an_answer_whose_cost_is_not_known_leaves_that_open() -> None:
    books = pair()
    for each in books["kd"]:
        del each["serving"]["teacher"]
    found = break_even(books)
    assert found.samples_verdict == UNKNOWN
    assert math.isnan(found.samples.mean)
    assert found.students_verdict == SHOWN
    assert np.isnan(found.cheapest[1:]).all(), "what costs an unknown amount is never the cheapest"
    assert any("what an answer costs" in each for each in found.warnings)


def test_what_the_teacher_did_must_be_known() -> None:
    books = {"labels_only": [book(seed=0)], "kd": [book(4.0, 3.0, seed=0)]}
    with pytest.raises(ValueError, match="its training, of which a share is charged, came from outside"):
        break_even(books, assuming=Assumptions(allocation=0.5))
    books["kd"][0]["shared"]["teacher_outputs"]["o"] = {"paid": "earlier", "cost": None}
    with pytest.raises(ValueError, match="its outputs came from a cache that did not note the cost"):
        break_even(books)


def test_a_real_study_is_weighed(tmp_path: Path) -> None:
    where, budget = (
        setting(teacher=Recipe(partial(MLP, 4, (16,), 3), Budget(epochs=1))),
        Budget(epochs=1, batch_size=16),
    )
    found = study(where, [make("kd")], 3, quick=True, budget=budget, store=Store(folder=tmp_path))
    priced, weighed = energy_of(found), break_even_of(found, assuming=Assumptions(allocation=1.0))
    assert priced.arms == ("labels_only", "kd")
    assert (weighed.plain, weighed.distilled, weighed.n) == ("labels_only", "kd", 3)
    assert weighed.students_verdict in (NEVER, NOT_SHOWN)
    assert any("same number of steps" in each for each in weighed.warnings)
    with pytest.raises(KeyError, match="no arm 'dkd'"):
        break_even_of(found, "dkd")


def test_bad_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="needs an arm on labels and one that reads a teacher; there are kd"):
        break_even({"kd": pair()["kd"]})
    with pytest.raises(KeyError, match="no arm 'dkd'; there are labels_only, kd"):
        break_even(pair(), distilled="dkd")
    with pytest.raises(ValueError, match="no seed in common"):
        break_even({"labels_only": [book(seed=0)], "kd": [book(4.0, 3.0, seed=1)]})
    with pytest.raises(ValueError, match="one student at least"):
        break_even(pair(), reuse=0.5)
    with pytest.raises(ValueError, match="allocation = 2"):
        Assumptions(allocation=2.0)
