"""Examples of findings."""

from __future__ import annotations

from dataclasses import replace

from tests.examples import HOSTILE
from workbench.records.finding import Finding
from workbench.records.interval import Interval

MADE = Finding(
    name="fewer_features",
    claim="Distilled students use fewer features.",
    source="A paper, section 3",
    outcome="inconclusive",
    reading="The intervals overlap.",
    numbers={"fewer": Interval(3.0, -1.0, 7.0, 3, "t"), "more frequent": Interval(0.2, 0.1, 0.3, 3, "t")},
    per_seed={"fewer": (1.0, 3.0, 5.0), "more frequent": (0.1, 0.2, 0.3)},
    seeds=(0, 1, 2),
    setting="digits",
    controls=("labels only",),
    notes=("small nets",),
    made={"torch": "2.13.0", "code": "0123456789ab"},
)


def results() -> list[Finding]:
    return [MADE]


def incomplete() -> list[Finding]:
    return [replace(MADE, numbers={"fewer": Interval(1.0, float("nan"), float("nan"), 1, "none")}, per_seed={})]


def hostile() -> list[Finding]:
    return [replace(MADE, name=HOSTILE, claim=HOSTILE, numbers={HOSTILE: MADE.numbers["fewer"]}, per_seed={})]
