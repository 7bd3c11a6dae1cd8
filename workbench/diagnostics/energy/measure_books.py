"""The ledgers of runs as the energy diagnostics read them: one book per run, plain values, and a price for each row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from workbench.diagnostics.study_runs import runs_of
from workbench.energy.component import Component, chosen
from workbench.energy.cost import Cost
from workbench.energy.models import CpuTimeModel, FlopsModel
from workbench.energy.presets import EFFICIENCIES, Preset, preset
from workbench.energy.usage import Usage
from workbench.records.run import Run
from workbench.records.study import Study

Book = Mapping[str, Any]
Books = Mapping[str, Sequence[Book]]

WARM_UP = "warm_up"
ORDER = (WARM_UP, "preparation", "teacher_training", "teacher_outputs", "assistant_training", "student", "evaluation")
SHARED = {"teacher": "teacher_training", "teacher_outputs": "teacher_outputs"}
MODELS = ("cpu_time_model", "flops_model")
KEPT = ("stages", "shared", "serving", "timeline", "sessions", "reads_teacher", "machine", "began", "ended")
BLINK_S = 0.02
"""Processor seconds below which a row says little: what is measured is warming up."""


@dataclass(frozen=True)
class Pricing:
    """How rows become joules.

    Attributes:
        watts: of a processor core.
        efficiency: ``processor`` or ``accelerator``, for what only operations tell.
        method: one of the methods that were written down, or ``best`` for the best of each part.
    """

    watts: Preset
    efficiency: str = "processor"
    method: str = "best"

    def components(self, cost: Cost) -> tuple[Component, ...]:
        """The energy of a row: its sensors as they were written down, its models at today's price."""
        usage = Usage((), cost.wall_s, cost.cpu_s, cost.total_flops)
        models = (CpuTimeModel(self.watts), FlopsModel(EFFICIENCIES[self.efficiency]))
        sensed = [each for each in cost.components if each.method not in MODELS]
        return chosen([*sensed, *(each for model in models for each in model.spent(usage))], self.method)

    def idle_j(self, cost: Cost) -> float:
        """What the cores would have drawn anyway, where the processor is priced by its seconds."""
        _, central, _ = CpuTimeModel(self.watts).idle(Usage((), cost.wall_s, cost.cpu_s))
        return central


def pricing_of(books: Books, given: str | Preset | None, method: str) -> Pricing:
    """The price for some books: the preset asked for, or the one that fits the machine they were written on.

    Raises:
        KeyError: no such preset.
        ValueError: none of the books knows the method.
    """
    every = [book for some in books.values() for book in some]
    likely = every[0]["machine"].get("preset", "server") if every else "server"
    watts = given if isinstance(given, Preset) else preset(given or likely)
    accelerated = any(str(book["device"]).startswith("cuda") for book in every)
    known = {"best", *MODELS} | {each.method for book in every for row in costs_of(book) for each in row.components}
    if method not in known:
        raise ValueError(f"no book was written by {method!r}; there are {', '.join(sorted(known))}")
    return Pricing(watts, "accelerator" if accelerated else "processor", method)


def book_of(run: Run) -> Book:
    """What a run's ledger says, with its scores.

    Raises:
        ValueError: the run has no ledger.
    """
    found = run.facts.get("energy")
    if not found:
        raise ValueError(f"run {run.id} carries no ledger of what it cost; it was made by hand or by an older version")
    scores = {party: run.scores[party].last for party in ("student", "teacher") if party in run.scores}
    about = {"seed": run.seed, "device": run.facts.get("device", "cpu"), "score": scores}
    return {**{name: found[name] for name in KEPT}, "sensed": found.get("sensed", []), **about}


def books_of(study: Study, arms: Sequence[str] | None = None) -> dict[str, list[Book]]:
    """The books of a study's arms; by default of its control and its methods.

    Raises:
        KeyError: no such arm.
        ValueError: the study knows no store, or a run has no ledger.
    """
    wanted = arms or [name for name, arm in study.arms.items() if name == study.control or arm.role == "method"]
    return {arm: [book_of(run) for _, run in runs_of(study, arm)] for arm in wanted}


def costs_of(book: Book) -> list[Cost]:
    """The rows that belong to this run alone, what is shared left out."""
    rows = [Cost.from_dict(found) for found in book["stages"]]
    return [row for row in rows if row.stage not in SHARED.values()]


def shared_cost(book: Book, what: str) -> tuple[Cost | None, str]:
    """What the teacher, or its outputs, cost whoever paid: the row (None if unknown) and when it was paid.

    A run that reads no teacher needs none: its cost is zero and it was ``not needed``.
    """
    found = list(book["shared"].get(what, {}).values()) if book["reads_teacher"] else []
    if not found:
        return Cost(SHARED[what]), "not needed"
    paid = "now" if any(each["paid"] == "now" for each in found) else cast("str", found[0]["paid"])
    if any(each["cost"] is None for each in found):
        return None, paid
    total = Cost(SHARED[what])
    for each in found:
        total = total.plus(Cost.from_dict(each["cost"]))
    return total, paid


def serving_cost(book: Book, party: str) -> Cost | None:
    """What one sample cost a party when it was scored; None if unknown."""
    found = book["serving"].get(party)
    if found is None or not found["samples"]:
        return None
    cost = Cost.from_dict(found)
    share = 1 / cost.samples
    flops = {name: share * count for name, count in cost.flops.items()}
    components = tuple(each.scaled(share) for each in cost.components)
    return replace(
        cost, wall_s=share * cost.wall_s, cpu_s=share * cost.cpu_s, samples=1, flops=flops, components=components
    )


def joules(components: Sequence[Component]) -> float:
    """Their sum, NaN where there are none; whoever adds different scopes says so (``mixed``)."""
    return math.fsum(each.value_j for each in components) if components else math.nan


def mixed(components: Sequence[Component]) -> str:
    """A warning where components of different scopes are added up; empty otherwise."""
    found = {(each.device, each.scope) for each in components}
    if len({scope for _, scope in found}) < 2:
        return ""
    words = ", ".join(f"{device} of the {scope}" for device, scope in sorted(found))
    return f"adds energy of different scopes ({words}): what others used at the time is in a part of it"
