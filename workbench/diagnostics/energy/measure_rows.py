"""From ledgers to the rows of the energy diagnostic: stages, totals with their intervals, and what weakens them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from workbench.diagnostics.energy.measure_books import (
    BLINK_S,
    ORDER,
    SHARED,
    WARM_UP,
    Book,
    Books,
    Pricing,
    costs_of,
    joules,
    mixed,
    shared_cost,
)
from workbench.energy.baseline import Baseline
from workbench.energy.component import STATUSES, Component
from workbench.energy.cost import Cost
from workbench.energy.luck import Luck

DRAWS, TAILS = 2000, (0.025, 0.975)
LEAST_RUNS = 3
PARTIES, UNKNOWN = ("student", "teacher"), (math.nan, math.nan)
WAITED = 2.0
Charged = tuple[Cost | None, str, float]


def charged(book: Book, allocation: float) -> dict[str, Charged]:
    """Every stage of one student: its row, when it was paid, and the share of it that is charged."""
    found: dict[str, Charged] = {row.stage: (row, "now", float(row.stage != WARM_UP)) for row in costs_of(book)}
    for what, stage in SHARED.items():
        cost, paid = shared_cost(book, what)
        if paid != "not needed":
            found[stage] = (cost, paid, allocation if what == "teacher" else 1.0)
    return dict(sorted(found.items(), key=lambda item: ORDER.index(item[0]) if item[0] in ORDER else len(ORDER)))


def stage_rows(
    arm: str, books: Sequence[Book], pricing: Pricing, allocation: float, baseline: Baseline | None
) -> Iterator[dict[str, Any]]:
    """One row per stage, means over the runs."""
    every = [charged(book, allocation) for book in books]
    for stage in dict.fromkeys(stage for found in every for stage in found):
        met = [found[stage] for found in every if stage in found]
        yield {
            "arm": arm,
            "stage": stage,
            "paid": "now" if all(paid == "now" for _, paid, _ in met) else met[-1][1],
            "charged": met[0][2],
            **_means([cost for cost, _, _ in met], pricing, baseline),
        }


def _means(costs: Sequence[Cost | None], pricing: Pricing, baseline: Baseline | None) -> dict[str, Any]:
    known = [cost for cost in costs if cost is not None]
    parts = [pricing.components(cost) for cost in known]
    energies = np.array([_ends(each) for each in parts] or [[math.nan] * 3]).mean(axis=0)
    numbers = {name: _mean([float(getattr(cost, name)) for cost in known]) for name in ("wall_s", "cpu_s", "macs")}
    counts = {name: _mean([getattr(cost, name) for cost in known]) for name in ("samples", "tokens", "steps", "bytes")}
    peaks = [cost.peak_memory_bytes for cost in known if cost.peak_memory_bytes is not None]
    net = _mean([_net(cost, each, pricing, baseline) for cost, each in zip(known, parts, strict=True)])
    return {
        "energy_j": float(energies[1]),
        "low_j": float(energies[0]),
        "high_j": float(energies[2]),
        "net_j": net,
        "status": _status([each for some in parts for each in some]),
        "scope": " + ".join(sorted({each.scope for some in parts for each in some})),
        "method": " + ".join(sorted({each.method for some in parts for each in some})),
        **numbers,
        **counts,
        "peak_memory_bytes": float(max(peaks, default=math.nan)),
        "flops": 2 * numbers["macs"],
        "joules_per_sample": _ratio(float(energies[1]), counts["samples"]),
        "joules_per_token": _ratio(float(energies[1]), counts["tokens"]),
        "note": "; ".join(dict.fromkeys(each.note for some in parts for each in some if each.note)),
    }


def total_rows(
    arm: str, books: Sequence[Book], pricing: Pricing, allocation: float, baseline: Baseline | None, seed: int
) -> Iterator[dict[str, Any]]:
    """One row per scope: what one student takes. What is unknown is left out, and a warning says so."""
    luck, generator = Luck(DRAWS, seed), np.random.default_rng(seed)
    spent = [[(row, share) for row, _, share in charged(book, allocation).values() if row] for book in books]
    parts = [[each.scaled(k) for row, k in some for each in pricing.components(row)] for some in spent]
    exact = {
        name: _mean([sum(k * getattr(row, key) for row, k in some) for some in spent])
        for name, key in (("wall_s", "wall_s"), ("cpu_s", "cpu_s"), ("flops", "total_flops"))
    }
    scores = [book["score"].get("student", math.nan) for book in books]
    for scope in dict.fromkeys(each.scope for some in parts for each in some):
        inside = [[each for each in some if each.scope == scope] for some in parts]
        drawn = np.stack([luck.joules(some) for some in inside], axis=1)
        low, high = np.quantile(_means_drawn(drawn, generator), TAILS).clip(min=0.0)
        value = _mean([joules(some) for some in inside])
        yield {
            "arm": arm,
            "scope": scope,
            "energy_j": value,
            "low_j": float(low),
            "high_j": float(high),
            "net_j": _mean([_net_of(some, scope, pricing, baseline) for some in spent]),
            "status": _status([each for some in inside for each in some]),
            **exact,
            "score": _mean(scores),
            "quality": _mean([_ratio(*map(book["score"].get, PARTIES, UNKNOWN)) for book in books]),
            "runs": len(books),
        }


def flow_rows(arm: str, books: Sequence[Book], pricing: Pricing, allocation: float) -> Iterator[dict[str, Any]]:
    """Where the joules of one student went, from stage to device to status; means over the runs, like the stages."""
    found: dict[tuple[str, ...], float] = {}
    for book in books:
        for stage, (cost, _, share) in charged(book, allocation).items():
            for each in () if cost is None or not share else pricing.components(cost):
                key = (stage, each.device, each.scope, each.status)
                found[key] = found.get(key, 0.0) + share * each.value_j / len(books)
    names = ("stage", "device", "scope", "status")
    yield from ({"arm": arm, **dict(zip(names, key, strict=True)), "energy_j": joules} for key, joules in found.items())


def _means_drawn(drawn: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """(draws,) means over (draws, runs) joules, with the luck of the runs as Student's t has it, from three runs on."""
    draws, runs = drawn.shape
    if runs < LEAST_RUNS:
        return drawn.mean(axis=1)
    luck = generator.standard_t(runs - 1, draws)
    return drawn.mean(axis=1) + luck * drawn.std(axis=1, ddof=1) / math.sqrt(runs)


def _net_of(spent: Sequence[tuple[Cost, float]], scope: str, pricing: Pricing, baseline: Baseline | None) -> float:
    """Net joules of one student within a scope; NaN where nothing is known of it."""
    inside = [(row, k, [each for each in pricing.components(row) if each.scope == scope]) for row, k in spent if k]
    found = [k * _net(row, parts, pricing, baseline) for row, k, parts in inside if parts]
    return math.fsum(found) if found else math.nan


def warnings_of(books: Books, stages: Sequence[dict[str, Any]], pricing: Pricing, allocation: float) -> tuple[str, ...]:
    """What a reader must know before believing a number."""
    found = []
    known = [row for row in stages if row["status"]]
    if known and not any(row["status"] == "measured" for row in known):
        found.append("everything is estimated: there is no sensor that this process may read")
    found += [f"{row['arm']}, {row['stage']}: {row['note']}" for row in stages if row["note"]]
    for row in stages:
        where = f"{row['arm']}, {row['stage']}"
        if math.isnan(row["energy_j"]) and row["charged"]:
            found.append(f"{where}: its cost is not known ({row['paid']}), and it is not in the total")
        elif 0 < row["cpu_s"] < BLINK_S and row["stage"] in ("student", "teacher_outputs", "teacher_training"):
            found.append(f"{where}: below resolution, {1000 * row['cpu_s']:.1f} ms of processor time")
    found += _about_runs(books)
    if few := [arm for arm, some in books.items() if len(some) < LEAST_RUNS]:
        found.append(f"fewer than {LEAST_RUNS} runs of {', '.join(few)}: the interval is that of the price alone")
    if not allocation and any(row["stage"] == "teacher_training" for row in stages):
        found.append("the teacher's own training is taken as given (allocation 0)")
    rows = [row for some in books.values() for book in some for row, _, _ in charged(book, allocation).values() if row]
    found.append(mixed([each for row in rows for each in pricing.components(row)]))
    return tuple(dict.fromkeys(filter(None, found)))


def _about_runs(books: Books) -> list[str]:
    found = []
    for arm, some in books.items():
        marks = dict.fromkeys(mark for book in some for row in costs_of(book) for mark in row.marks)
        found += [f"{arm}: {mark}" for mark in marks]
        if any(book["sessions"] > 1 for book in some):
            found.append(f"{arm}: interrupted and resumed; work lost since the last checkpoint is not counted")
        rows = [row for book in some for row in costs_of(book) if row.stage == "student"]
        wall, cpu = sum(row.wall_s for row in rows), sum(row.cpu_s for row in rows)
        if cpu and wall > WAITED * cpu:
            found.append(
                f"{arm}: the student waited for the machine, {wall / cpu:.1f} s on the clock per second of work"
            )
    return found


def _net(cost: Cost, parts: Sequence[Component], pricing: Pricing, baseline: Baseline | None) -> float:
    """Joules without those the machine would have drawn anyway; NaN where that is not known."""
    total = 0.0
    for each in parts:
        if each.method == "cpu_time_model":
            total += each.value_j - pricing.idle_j(cost)
        elif each.status == "measured":
            total += (baseline or Baseline()).net(each, cost.wall_s).value_j
        else:
            total += each.value_j
    return total if parts else math.nan


def _ends(parts: Sequence[Component]) -> list[float]:
    if not parts:
        return [math.nan] * 3
    return [math.fsum(getattr(each, name) for each in parts) for name in ("low_j", "value_j", "high_j")]


def _status(parts: Sequence[Component]) -> str:
    """The weakest; empty where nothing is known."""
    return max((each.status for each in parts), key=STATUSES.index, default="")


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def _ratio(above: float, below: float) -> float:
    return above / below if below else math.nan
