"""What did it cost to make this student, stage by stage, and how much of that was measured?

How it is measured: every run carries a ledger: seconds of the wall and of the processor, counted operations and the
joules of whatever sensors the machine has, for stages that share no moment. Where there is no sensor the joules are
estimated from processor seconds, or from operations, between a low and a high price. Pauses are in no stage.

Formula:
    E = preparation + a * teacher training + teacher outputs + assistants + student + evaluation
    a: allocation, the share of the teacher's own training that is charged; 0 takes the teacher as given.
    Without sensors E = (idle watts + core watts) * processor seconds; net leaves the idle watts out.
    The total's interval draws the price (one draw for all stages, since it is wrong for all in the same direction)
    and, from three runs on, their luck as Student's t has it.

Reading it: processor seconds and operations are exact and mean the same on any machine; compare these first. Joules
are a view of them; a bar that is hatched was estimated, a faded one assumed. Compare arms on one machine, not machines.
When it misleads: the price per core of a machine without sensors is ours and may be off by a factor of two and more; on
cores that others use too the same work takes up to half as many processor seconds again; other work on the machine is
in everything a sensor tells. Memory, disks, displays and losses of the power supply are in none.
After: Lambert & Luccioni et al. 2026 (stages, joules per sample); allocation, status and ranges are ours.
Cost: milliseconds once the runs are loaded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from workbench.diagnostics.energy.measure_books import Book, Books, Pricing, book_of, books_of, pricing_of
from workbench.diagnostics.energy.measure_rows import flow_rows, stage_rows, total_rows, warnings_of
from workbench.energy.baseline import Baseline
from workbench.energy.carbon import Grid, carbon_g
from workbench.energy.component import KWH_J
from workbench.energy.models import CpuTimeModel
from workbench.energy.presets import Preset
from workbench.energy.usage import Usage
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.study import Study
from workbench.records.wording import between, number, percent

PROVENANCE = {
    "paper": "End-to-End Energy Accounting of Distillation Pipelines, ICML 2026, arXiv:2605.13981",
    "fidelity": "proposed",
    "ours": "status, scopes, ranges, allocation; the stages and joules per sample are the paper's",
}

SENSORS = {"nvml_power": "graphics boards (NVML)", "rapl": "processor's own counters (RAPL)"}


@dataclass(frozen=True)
class Energy(Result):
    """The cost of one or several ways to a student; energies in joules, each with the range its method leaves.

    Attributes:
        arms: the ways, by name.
        stages: one row per arm and stage, means over the runs: ``energy_j`` with ``low_j`` and ``high_j``, ``net_j``
            without the idle part, ``status``, ``scope`` and ``method`` of the energy, ``paid`` (now, earlier, given or
            not needed), ``charged`` (share that enters the total), seconds, operations, samples, joules per sample,
            ``bytes`` left on disk, ``peak_memory_bytes`` of the process.
        totals: one row per arm and scope: what one student takes, with its interval, without the idle part, its carbon,
            its score and ``quality``, the score as a share of the teacher's.
        flows: where these joules went: one row per arm, stage, device, scope and status.
        trace_s: (T,) seconds of work since the beginning of the first arm's first run, pauses left out.
        trace_j: (T,) joules so far, estimated from processor seconds.
        trace_stage: T stages, what was worked on until then.
        sensed: of each sensor of that run, ``part``, ``method``, ``seconds`` of work and ``joules`` so far.
        idle: the baseline that was given, as plain values; empty without one.
        measured_share: joules that a sensor measured, in [0, 1]; NaN where nothing is known.
        missing: what no number here contains, and why.
        price: how joules were found, in words.
        method: ``best``, or the one method that was asked for.
        allocation: a of the formula.
        grid: the electricity, in words; empty where none was given, and then no carbon is known.
        n: runs of each arm, the fewest.
        seed: of the draws.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
        books: the ledgers, by arm, from which the same can be asked at another price.
    """

    arms: tuple[str, ...]
    stages: tuple[dict[str, Any], ...]
    totals: tuple[dict[str, Any], ...]
    flows: tuple[dict[str, Any], ...]
    trace_s: np.ndarray
    trace_j: np.ndarray
    trace_stage: tuple[str, ...]
    sensed: tuple[dict[str, Any], ...]
    idle: dict[str, Any]
    measured_share: float
    missing: tuple[str, ...]
    price: str
    method: str
    allocation: float
    grid: str
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]
    books: dict[str, Any]

    def rows(self) -> list[dict[str, Any]]:
        """The stages, then the totals, one row each."""
        parts = [(row, row["stage"]) for row in self.stages] + [(row, f"total, {row['scope']}") for row in self.totals]
        found = []
        for row, what in parts:
            numbers = {"value": row["energy_j"], "low": row["low_j"], "high": row["high_j"]}
            exact = {name: row[name] for name in ("net_j", "status", "wall_s", "cpu_s", "flops")}
            exact |= {name: row.get(name) for name in ("bytes", "peak_memory_bytes")}
            found.append({"quantity": f"{row['arm']}: {what} (J)", **numbers, **exact})
        return found

    def explain(self) -> str:
        """What it says, in one paragraph."""
        scopes = {row["scope"] for row in self.totals}
        told = [self._sentence(row, f" ({row['scope']})" if len(scopes) > 1 else "") for row in self.totals]
        share = self.measured_share
        known = f"Measured share of the energy: {percent(share)}" if share > 0 else "No part of the energy was measured"
        carbon = f"Electricity: {self.grid}." if self.grid else "No carbon is given: that needs the grid's intensity."
        return f"{' '.join(told)} {known}; price of what was estimated: {self.price}. {carbon}".strip()

    @staticmethod
    def _sentence(row: dict[str, Any], scope: str) -> str:
        carbon = "" if row["carbon_g"] is None else f", {number(row['carbon_g'])} g CO2e"
        net = "" if np.isnan(row["net_j"]) else f", {number(row['net_j'])} J net of idle"
        if np.isnan(row["energy_j"]):
            return f"The energy of one student by {row['arm']}{scope} is not known."
        return (
            f"One student by {row['arm']} takes {number(row['cpu_s'])} processor seconds, {number(row['flops'])} operations and "
            f"{number(row['energy_j'])} J{scope} ({_range(row)}{net}; "
            f"{number(row['energy_j'] / KWH_J)} kWh{carbon})."
        )


def _range(row: dict[str, Any]) -> str:
    return f"95 % interval {between(row['low_j'], row['high_j'])} J"


@checked_arguments
def energy(
    books: Books,
    *,
    preset: str | Preset | None = None,
    method: str = "best",
    allocation: float = 0.0,
    grid: Grid | None = None,
    baseline: Baseline | None = None,
    seed: Seed = 0,
) -> Energy:
    """Price the ledgers of some runs.

    Args:
        books: by arm, what ``book_of`` made of its runs.
        preset: watts of a processor core: ``laptop``, ``server`` or your own; what fits the machine if None.
        method: ``best`` takes for each part of the machine the best method there is; or one method by name, such as
            ``flops_model``.
        allocation: share of the teacher's training that one student is charged.
        grid: the electricity; without one there is no carbon.
        baseline: of ``idle_baseline``, the idle power of the parts that sensors cover; without one their net energy is
            unknown.
        seed: of the draws behind the intervals.

    Raises:
        ValueError: no runs, an allocation outside [0, 1], or a method that nothing was written by.
        KeyError: no such preset.
    """
    if not books or not all(books.values()):
        raise ValueError("there is no ledger to read: every arm needs one run at least")
    if not 0 <= allocation <= 1:
        raise ValueError(f"allocation = {allocation:g} must lie in [0, 1]: it is a share of the teacher's training")
    pricing = pricing_of(books, preset, method)
    stages = [row for arm, some in books.items() for row in stage_rows(arm, some, pricing, allocation, baseline)]
    totals = [row for arm, some in books.items() for row in total_rows(arm, some, pricing, allocation, baseline, seed)]
    first = next(iter(books.values()))[0]
    trace = timeline_of(first, pricing)
    known = [row for row in stages if row["charged"] and np.isfinite(row["energy_j"])]
    everything = sum(row["energy_j"] for row in known)
    measured = sum(row["energy_j"] for row in known if row["status"] == "measured")
    return Energy(
        arms=tuple(books),
        stages=tuple(stages),
        totals=tuple(row | {"carbon_g": carbon_g(row["energy_j"], grid)} for row in totals),
        flows=tuple(row for arm, some in books.items() for row in flow_rows(arm, some, pricing, allocation)),
        trace_s=trace.seconds,
        trace_j=trace.joules,
        trace_stage=trace.stages,
        sensed=tuple(map(dict, first.get("sensed", ()))),
        idle={} if baseline is None else {**asdict(baseline), "watts": dict(baseline.watts)},
        measured_share=measured / everything if everything else np.nan,
        missing=missing_of(books, stages, grid, baseline),
        price=_words(pricing, stages),
        method=method,
        allocation=float(allocation),
        grid="" if grid is None else str(grid),
        n=min(len(some) for some in books.values()),
        seed=seed,
        warnings=(*warnings_of(books, stages, pricing, allocation), *(baseline.warnings if baseline else ())),
        provenance=dict(PROVENANCE),
        books={arm: [dict(book) for book in some] for arm, some in books.items()},
    )


@checked_arguments
def energy_of(run: Run | Study, arms: Sequence[str] | None = None, **options: Any) -> Energy:
    """What a run cost, or the arms of a study.

    Args:
        run: finished; of a study, its control and its methods.
        arms: of a study, which; all of these if None.
        **options: of ``energy``.

    Raises:
        ValueError: a run carries no ledger, or as ``energy``.
        KeyError: as ``energy``, or no such arm.
    """
    if isinstance(run, Study):
        return energy(books_of(run, arms), **options)
    return energy({str(run.method["name"]): [book_of(run)]}, **options)


def _words(pricing: Any, stages: Sequence[dict[str, Any]]) -> str:
    used = sorted({row["method"] for row in stages if row["method"]})
    watts = pricing.watts
    told = {
        "cpu_time_model": f"{watts.name} cores at {_ends(watts.core_w)} W and {_ends(watts.idle_w)} W idle",
        "flops_model": f"operations at the efficiency of a {pricing.efficiency}",
    }
    return "; ".join(told.get(method, f"read by {method}") for method in used) or "no method knew anything"


def _ends(values: tuple[float, float, float]) -> str:
    return f"{values[0]:g} to {values[2]:g}"


def missing_of(
    books: Books, stages: Sequence[dict[str, Any]], grid: Grid | None, baseline: Baseline | None
) -> tuple[str, ...]:
    """One sentence for each gap: of the sensors, of what the user was not asked, of what is never seen."""
    return (*_sensors(books), *_not_given(stages, grid, baseline), *_never())


def _sensors(books: Books) -> Iterator[str]:
    first = next(iter(books.values()))[0]
    lacking = first["machine"].get("lacking", {})
    yield from (f"{words}: {lacking[name]}" for name, words in SENSORS.items() if name in lacking)
    if str(first["device"]).startswith("cuda") and "nvml_power" in lacking:
        yield "the board that computed: it is in none of these joules, only in the operations"


def _not_given(stages: Sequence[dict[str, Any]], grid: Grid | None, baseline: Baseline | None) -> Iterator[str]:
    for stage in dict.fromkeys(row["stage"] for row in stages if math.isnan(row["energy_j"])):
        yield f"{stage.replace('_', ' ')}: nobody wrote down what it cost"
    if baseline is None and any(row["status"] == "measured" for row in stages):
        yield "the idle part of what sensors say: give idle_baseline() as baseline"
    if grid is None:
        yield "carbon: give the grid's intensity with its source, year and region"


def _never() -> Iterator[str]:
    yield "memory, disks, display, network, cooling and the losses of the power supply: no meter here sees them"
    yield "making the machine: embodied carbon is left out"


class Timeline(NamedTuple):
    """T moments of a run.

    Attributes:
        seconds: (T,) of work so far.
        joules: (T,) so far.
        stages: T names, what was worked on until then.
    """

    seconds: np.ndarray
    joules: np.ndarray
    stages: tuple[str, ...]


def timeline_of(book: Book, pricing: Pricing) -> Timeline:
    """Joules so far at each moment, estimated from processor seconds: what sensors say is not kept moment by moment."""
    points, model = book["timeline"], CpuTimeModel(pricing.watts)
    so_far = [model.spent(Usage((), wall, cpu))[0].value_j for wall, cpu, _ in points]
    return Timeline(np.array([p[0] for p in points], float), np.array(so_far, float), tuple(p[2] for p in points))
