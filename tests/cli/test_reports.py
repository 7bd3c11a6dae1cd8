"""`runs` lists what was run, and `report` writes it down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests import examples
from tests.cli.conftest import Studies
from workbench.engine.store import open_store


def test_runs_lists_what_was_run(call, studies: Studies) -> None:
    found = call("runs", "--limit", "1000", "--json").json
    ids = {run["id"] for run in found["runs"]}
    made = [*studies.distilled.json["runs"].values(), *(arm["runs"] for arm in studies.compared.json["arms"])]
    assert {run for arm in made for run in arm.values()} <= ids
    assert {studies.distilled.json["study"], studies.compared.json["study"]} <= {s["id"] for s in found["studies"]}


def test_runs_can_be_filtered_and_cut(call, studies: Studies) -> None:
    found = call("runs", "--method", "label_smoothing", "--limit", "2", "--json").json["runs"]
    assert [run["method"] for run in found] == ["label_smoothing"] * 2
    assert call("runs", "--setting", "digits", "--json").json["runs"] == []


def test_the_table_of_runs_shows_the_scores(call, studies: Studies) -> None:
    run = call("runs", "--limit", "1", "--json").json["runs"][0]
    table = call("runs", "--limit", "1").out
    assert run["id"] in table
    assert f"{run['last']:.2f}" in table


def test_an_empty_store_says_how_to_fill_it(call) -> None:
    assert call("runs", "--json").json == {"runs": [], "studies": []}
    assert "workbench distill" in call("runs").out


@pytest.mark.parametrize("of", ["run", "study"])
def test_a_page_is_written_of_a_run_and_of_a_study(call, studies: Studies, tmp_path, of: str) -> None:
    found = studies.distilled.json
    wanted = found["study"] if of == "study" else found["runs"]["kd"]["1"]
    answer = call("report", wanted[:-3], "-o", str(tmp_path / "pages" / "page.html"), "--json")
    page = (tmp_path / "pages" / "page.html").read_text(encoding="utf-8")
    assert answer.json == {"id": wanted, "file": str(tmp_path / "pages" / "page.html"), "bytes": len(page.encode())}
    assert page.startswith("<!doctype html>")
    assert "two_moons" in page


def test_the_beginning_of_several_ids_is_not_enough(call, studies: Studies, tmp_path) -> None:
    found = call("report", "two_moons-kd", "-o", str(tmp_path / "page.html"))
    assert (found.status, found.out) == (2, "")
    assert "begin with 'two_moons-kd'" in found.err
    assert "give more of the id" in found.err


def test_a_setting_that_cannot_be_made_again_only_costs_its_pictures(
    call, studies: Studies, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("workbench.settings.catalog.catalog", dict)
    wanted = studies.distilled.json["runs"]["kd"]["2"]
    found = call("report", wanted, "-o", str(tmp_path / "page.html"))
    assert found.status == 0
    assert "no samples are shown" in found.err
    assert (tmp_path / "page.html").exists()


def test_runs_says_what_they_warned_of(call, home) -> None:
    for seed in (0, 1):
        made = examples.run(seed=seed)
        open_store().save(replace(made, id=f"digits-kd-s{seed}-0", facts={**made.facts, "warnings": ["far too wide"]}))
    found = call("runs", "--json").json["runs"]
    assert [run["warnings"] for run in found] == [["far too wide"]] * 2
    assert "! far too wide (2 runs)" in call("runs").out.splitlines()
