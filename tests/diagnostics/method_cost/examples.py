"""Examples of what methods cost."""

from __future__ import annotations

from tests.examples import HOSTILE
from workbench.diagnostics.method_cost.measure import MethodCost, Spent, method_cost
from workbench.records.interval import Interval

SPENT = {
    "labels_only": Spent((0.0008, 0.0009, 0.0010), 0.0, 0, 0, 640),
    "kd": Spent((0.0012, 0.0013, 0.0011), 0.0, 0, 0, 640),
    "crd": Spent((0.0091, 0.0095, 0.0086), 1.0, 69_888, 0, 640),
    "simkd": Spent((0.0060, 0.0065, 0.0058), 1.0, 400_000, 398_000, 640),
}
GAINS = {
    "kd": Interval(9.5, 8.1, 10.9, 3, "t"),
    "crd": Interval(0.6, -1.0, 2.2, 3, "t"),
    "simkd": Interval(4.0, float("nan"), float("nan"), 1, "none"),
}


def results() -> list[MethodCost]:
    return [method_cost(SPENT, "labels_only", GAINS, score="accuracy")]


def incomplete() -> list[MethodCost]:
    nothing = (float("nan"), float("nan"))
    blind = {"labels_only": Spent(nothing), "kd": Spent(nothing)}
    return [method_cost(SPENT, "labels_only"), method_cost(blind, "labels_only", GAINS)]


def hostile() -> list[MethodCost]:
    bad = {HOSTILE: SPENT["labels_only"], f"{HOSTILE}2": SPENT["crd"]}
    return [method_cost(bad, HOSTILE, {f"{HOSTILE}2": GAINS["kd"]}, score=HOSTILE)]
