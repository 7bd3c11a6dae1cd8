"""Every finding, found by walking the floor: it says what it claims, and outcomes are computed, kept and found stale."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.drawing.finding_examples import MADE
from workbench.data.shipped import PLACES, shipped
from workbench.findings import kept as keeping
from workbench.findings.catalog import catalog, code_of, digest, find
from workbench.records.finding import all_of, outcome_of
from workbench.records.interval import Interval

KEPT = sorted(path for place in PLACES for path in (place / "findings").glob("*.json"))


@pytest.mark.parametrize("name", catalog())
def test_a_finding_says_what_it_claims_and_where_it_was_published(name: str) -> None:
    module = catalog()[name]
    assert module.CLAIM.endswith(".")
    assert len(module.SOURCE) > 10
    assert module.__doc__
    assert module.find.__doc__


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_kept_outcome_belongs_to_a_finding_and_to_its_seeds(path: Path) -> None:
    found = keeping.read(path)
    assert found.name == path.stem
    assert found.claim == catalog()[path.stem].CLAIM
    assert len(found.seeds) >= 3
    assert all(len(values) == len(found.seeds) for values in found.per_seed.values())
    assert found.controls


def test_an_outcome_follows_from_its_interval() -> None:
    def interval(low: float, high: float, n: int = 5) -> Interval:
        return Interval((low + high) / 2, low, high, n, "t")

    assert outcome_of(interval(0.1, 1.0)) == "reproduced"
    assert outcome_of(interval(-0.1, 1.0)) == "inconclusive"
    assert outcome_of(interval(-1.0, 0.0)) == "not reproduced"
    assert outcome_of(interval(0.6, 1.0), margin=0.5) == "reproduced"
    assert outcome_of(interval(0.4, 1.0), margin=0.5) == "inconclusive"
    assert outcome_of(interval(0.1, 1.0, n=2)) == "inconclusive"
    assert outcome_of(Interval(1.0, float("nan"), float("nan"), 3, "none")) == "inconclusive"
    assert all_of("reproduced", "reproduced") == "reproduced"


def test_what_is_kept_is_what_is_read(tmp_path: Path) -> None:
    path = keeping.keep(MADE, tmp_path)
    assert keeping.read(path) == MADE
    gap = replace(MADE, numbers={"one": Interval(1.0, float("nan"), float("nan"), 1, "none")})
    assert json.loads(keeping.keep(gap, tmp_path).read_text())["numbers"]["one"]["low"] is None
    assert keeping.read(path).numbers["one"].low != keeping.read(path).numbers["one"].low


def test_an_outcome_of_other_code_is_stale() -> None:
    name = next(iter(catalog()))
    assert keeping.is_stale(replace(MADE, name=name, made={"code": "0"}))
    assert not keeping.is_stale(replace(MADE, name=name, made={"code": code_of(name)}))


def test_an_unknown_finding_is_answered_with_the_nearest() -> None:
    with pytest.raises(KeyError, match=r"no finding .xyzzy.; nearest: "):
        find("xyzzy")
    with pytest.raises(KeyError, match=r"no file .findings.xyzzy.json. comes with the project"):
        shipped("findings/xyzzy.json")
    assert keeping.kept("xyzzy") is None


def test_what_counts_as_other_code() -> None:
    source = (
        '"""One."""\nimport a\n\nMARGIN = 0.5\n\n\ndef find(seeds):\n    """Try."""\n    return a.f(seeds, MARGIN)\n'
    )
    same = source.replace('"""One."""\nimport a', '"""Two."""\nfrom b.c import a').replace("\n\n\n", "\n")
    assert digest(same) == digest(source)
    assert digest(source.replace("0.5", "0.6")) != digest(source)
    assert digest(source.replace("a.f", "a.g")) != digest(source)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_kept_outcome_was_obtained_with_the_code_as_it_stands(path: Path) -> None:
    assert not keeping.is_stale(keeping.read(path))
