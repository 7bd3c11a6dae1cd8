"""What every result says, in words and figures, for numbers as awkward as they come; the rules are in ``sentences``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests import examples
from tests.contracts.sentences import RULES, faults, said, variants, written
from tests.contracts.test_every_result import KINDS
from workbench.drawing.draw import draw, drawable
from workbench.records.result import Result
from workbench.records.study import Study

GIVEN: dict[type, list[Any]] = {}
for _each in (*examples.results(), *(each for each in examples.incomplete() if isinstance(each, Result))):
    GIVEN.setdefault(type(_each), []).append(_each)

DRAWN = [kind for kind in KINDS if kind.__module__.rpartition(".")[2] in drawable()]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_result_has_a_grid_of_cases(kind: type[Result]) -> None:
    assert kind in GIVEN, (
        f"{kind.__name__} has no example: add one to results() in examples.py beside its tests, and cases with a missing class, "
        "one sample or no control to incomplete() there; every number in them is then replaced by awkward ones"
    )
    assert kind is Study or GIVEN[kind][0].explain(), f"{kind.__name__} says nothing: give it an explain()"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_sentences_hold_for_awkward_numbers(kind: type[Result]) -> None:
    found = {
        f"{name}: {fault}"
        for given in GIVEN[kind]
        for name, variant in variants(given)
        for text, whole in said(variant)
        for fault in faults(text, sentence=whole)
    }
    assert not found, "\n".join(sorted(found))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # means and extremes of nothing but NaN
@pytest.mark.parametrize("kind", DRAWN, ids=lambda kind: kind.__name__)
def test_words_in_figures_hold_for_missing_and_equal_numbers(kind: type[Result]) -> None:
    kept = ("as it is", "unknown", "no interval", "tied")
    found = {
        f"{name}: {fault}"
        for name, variant in variants(GIVEN[kind][0])
        if name in kept
        for text in written(draw(variant))
        for fault in faults(text)
    }
    assert not found, "\n".join(sorted(found))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("kd has -10.0 features fewer", "a direction beside a negative number"),
        ("follows it more often by -93.5 points", "a direction beside a negative number"),
        ("with a tau of nan, shares 67%", "a number that is none"),
        ("the control has None", "a number that is none"),
        ("0.075 there, so the teacher moved it by +0.4", "a causal word"),
        ("lies outside it, which illustrates the bound", "a claim beside its refutation"),
        ("8.6 to 8.6", "an interval of one value"),
        ("the mean ()", "nothing in parentheses"),
        ("two  spaces", "stray spaces"),
        ("only 1 seeds", "one of several"),
    ],
)
def test_the_rules_find_what_they_are_for(text: str, rule: str) -> None:
    assert any(fault.startswith(rule) for fault in faults(text)), RULES[rule].pattern


def test_the_rules_leave_good_sentences_alone() -> None:
    good = (
        "On 1,024 samples the accuracy is 74.2% (95 % interval 69.4% to 78.4%), 10 features fewer (95 % interval of the "
        "difference -17 to -3); 1 of 12 samples (p 3.2e-7)."
    )
    assert not faults(good, sentence=True)
    assert faults("no end", sentence=True)
    assert faults("a mean of 0.12345")
