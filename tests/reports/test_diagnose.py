"""Everything that can be asked is found by walking the floor and asked; what does not apply says why."""

from __future__ import annotations

import json

import pytest

import workbench as wb
from tests import examples
from workbench.engine.distill import collect
from workbench.records.run import Run
from workbench.records.study import Study
from workbench.reports.diagnose import diagnose, diagnostics


@pytest.fixture(scope="module")
def run() -> Run:
    return collect(wb.distill(wb.settings.TwoMoons(), wb.methods.KD(), wb.Budget(epochs=2, clip=5.0)))


def test_they_are_found_by_the_kind_of_thing_they_ask() -> None:
    of_runs, of_studies = diagnostics(Run), diagnostics(Study)
    assert "agreement" in of_runs
    assert not {"soft_labels", "disagreement", "cohorts", "outputs", "bundle"} & {*of_runs, *of_studies}


def test_a_result_is_the_one_its_own_function_gives(run: Run) -> None:
    found = diagnose(run, only=["agreement"])
    assert found.results["agreement"].to_frame().equals(wb.agreement_of(run).to_frame())
    assert found.reasons == {}
    entry = json.loads(json.dumps(found.to_dict(), default=str))["results"]["agreement"]
    assert entry["explain"] == wb.agreement_of(run).explain()


def test_what_does_not_apply_says_why() -> None:
    told: list[tuple[float, str]] = []
    bare = examples.run(predictions={"student": examples.run().predictions["student"]})
    found = diagnose(bare, only=["agreement"], tell=lambda *said: told.append(said))
    assert found.results == {}
    assert found.reasons["agreement"].endswith("has no outputs of 'teacher'; it has student")
    assert told == [(0.0, "agreement")]


def test_an_unknown_one_is_answered_with_the_nearest(run: Run) -> None:
    with pytest.raises(KeyError, match=r"no diagnostic 'agrement' of a run; nearest: agreement"):
        diagnose(run, only=["agrement"])


@pytest.mark.slow
def test_all_of_them_answer_or_say_why(run: Run) -> None:
    found = diagnose(run)
    assert {*found.results, *found.reasons} == set(diagnostics(Run))
    assert all(len(reason) > 20 for reason in found.reasons.values())
    assert all(result.rows() for result in found.results.values())
