"""`distill` and `compare`: the numbers an issue can be argued with, and nothing else on standard output."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests import examples
from tests.cli.conftest import MOONS, Studies
from workbench.engine.store import open_store

SEEDS = ["0", "1", "2"]


def test_distill_prints_what_a_reader_asks_for(studies: Studies) -> None:
    found = studies.distilled.json
    assert studies.distilled.status == 0
    assert found["setting"]["name"] == "two_moons"
    assert found["setting"]["config"]["noise"] == 0.2
    assert found["method"] == {"name": "kd", "config": {"temperature": 2.5, "soft_weight": 0.9, "label_weight": 0.1}}
    assert found["epochs"] == 2
    assert found["seconds"] > 0
    assert list(found["scores"]) == ["teacher", "student", "labels_only"]
    for party in ("student", "labels_only"):
        assert list(found["scores"][party]["per_seed"]) == SEEDS
    assert list(found["agreement"]["per_seed"]) == SEEDS
    assert list(found["runs"]) == ["labels_only", "kd", "kd/permuted_targets"]
    assert found["verdict"] in ("better", "worse", "equivalent", "not distinguishable")


def test_its_means_and_differences_are_those_of_its_seeds(studies: Studies) -> None:
    found = studies.distilled.json
    scores = {party: found["scores"][party]["per_seed"] for party in ("student", "labels_only")}
    for party, values in scores.items():
        assert math.isclose(found["scores"][party]["mean"], sum(values.values()) / 3)
    paired = [scores["student"][seed] - scores["labels_only"][seed] for seed in SEEDS]
    assert math.isclose(found["comparison"]["difference"], sum(paired) / 3, abs_tol=1e-9)
    interval = found["comparison"]["interval"]
    assert interval["low"] < found["comparison"]["difference"] < interval["high"]


def test_its_runs_are_in_the_store_with_these_scores(studies: Studies) -> None:
    found = studies.distilled.json
    for seed in SEEDS:
        run = open_store().load(found["runs"]["kd"][seed], models=False)
        assert run.scores["student"].last == found["scores"]["student"]["per_seed"][seed]
        assert run.method["config"]["temperature"] == 2.5
        assert run.budget.epochs == 2
        assert found["scores"]["teacher"]["mean"] == run.scores["teacher"].last


def test_progress_goes_to_standard_error(studies: Studies) -> None:
    assert "9 of 9 runs" in studies.distilled.err


def test_compare_prints_an_entry_per_arm(studies: Studies) -> None:
    found = studies.compared.json
    assert studies.compared.status == 0
    assert [arm["name"] for arm in found["arms"]] == ["labels_only", "kd", "label_smoothing"]
    assert [arm["verdict"] for arm in found["arms"]] == [None, "no verdict", "no verdict"]
    assert found["quick"] is True
    assert all(list(arm["runs"]) == SEEDS for arm in found["arms"])


def test_what_is_stored_is_not_run_again(call, studies: Studies) -> None:
    again = call("distill", *MOONS, "--method", "kd", "--set", "temperature=2.5", "--json")
    before, after = studies.distilled.json["scores"], again.json["scores"]
    for name in ("student", "labels_only"):
        assert before[name].pop("stored") == []
        assert after[name].pop("stored") == [0, 1, 2]
    assert after == before
    assert again.err == ""


def test_the_table_ends_with_the_verdict(call, studies: Studies) -> None:
    found = call("distill", *MOONS, "--method", "kd", "--set", "temperature=2.5")
    assert found.status == 0
    sentence = studies.distilled.json["comparison"]["sentence"]
    assert f"kd: {sentence}" in " ".join(found.out.split()).replace("kd against labels only: ", "kd: ")


def test_one_seed_is_no_verdict(call, studies: Studies) -> None:
    found = call("distill", "--setting", "two_moons", "--method", "kd", "--seeds", "1", "--epochs", "2", "--json")
    assert found.json["verdict"] == "no verdict"
    assert found.json["comparison"]["sentence"] == "one seed, no verdict"


def test_options_of_setting_and_budget_are_heard(call, studies: Studies) -> None:
    flags = ("--with", "noise=0.3", "--budget", "batch_size=64", "--budget", "optimizer=adam", "--quick", "--json")
    found = call("distill", "-s", "two_moons", "-m", "kd", "-n", "1", "--epochs", "1", *flags).json
    assert found["setting"]["config"]["noise"] == 0.3
    budget = open_store().load(found["runs"]["kd"]["0"]).budget
    assert (budget.epochs, budget.batch_size, budget.optimizer) == (1, 64, "adam")


@pytest.mark.slow
def test_digits_in_several_processes_with_the_keys_of_the_issue(call) -> None:
    flags = ("--setting", "digits", "--method", "kd", "--seeds", "3", "--epochs", "2", "--jobs", "2", "--json")
    found = call("distill", *flags)
    assert found.status == 0
    asked = {"setting", "method", "scores", "comparison", "verdict", "agreement", "epochs", "seconds", "runs"}
    assert asked <= set(found.json)
    assert all(list(found.json["scores"][party]["per_seed"]) == SEEDS for party in ("student", "labels_only"))


@pytest.mark.parametrize("verb", [("distill", "--method", "kd"), ("compare", "--methods", "kd")])
def test_what_the_runs_warn_of_is_said_once_on_standard_error(call, monkeypatch, verb: tuple[str, ...]) -> None:
    made = replace(examples.study(), warnings=("a student like\na barn (kd)",))
    monkeypatch.setattr("workbench.engine.study.study.study", lambda *_, **__: made)
    found = call(*verb, "--setting", "two_moons", "--json")
    assert found.err.splitlines().count("workbench: warning: a student like a barn (kd)") == 1
    assert found.json["warnings"] == list(made.warnings)
