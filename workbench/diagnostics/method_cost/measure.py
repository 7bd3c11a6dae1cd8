"""What does a method cost beside what it brings: time per step, what it learns besides the student, passes of the teacher?

How it is measured: every run keeps a ledger of its stages. Processor seconds of the stages that learn, over their
optimiser steps, are compared with those of the study's control. Operations under the teacher's name in these stages,
over the samples shown and the operations of one pass of the teacher, are its passes; answers that were computed once
and kept cost none. One run of each method is revived to count what it learns besides the student.

Formula:
    ratio = processor seconds per step / those of labels only, mean over seeds, with the lowest and the highest seed
    passes = teacher's operations / (samples shown * operations of one pass of the setting's teacher)
Reading it: a gain that costs twice the time should be compared with a control that trains twice as long. ``extra`` are
parameters the deployed student has more than the control's: they cost at every use.
When it misleads: on nets as small as those of a laptop the engine's own work hides most differences; processor time is
shared with whatever else runs, less than time on the clock but still. Teachers' training is in none of the numbers.
After: ours. Cost: reviving one run of each method, about 0.3 s each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.records.arguments import checked_arguments
from workbench.records.arm import Arm
from workbench.records.interval import Interval
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.study import Study
from workbench.records.wording import listed, number, plural

if TYPE_CHECKING:
    import pandas as pd

    from workbench.settings.setting import Setting

UNITS = {"seconds": "seconds per step", "passes": "teacher passes per sample", "learnt": "learnt besides"}
UNITS |= {"extra": "more when used", "steps": "steps"}
UNKNOWN = Interval(math.nan, math.nan, math.nan, 0, "none")
PROVENANCE = {"paper": "none", "fidelity": "proposed", "ours": "all of it, from the ledgers of the runs"}


@dataclass(frozen=True)
class Spent:
    """What one method spent.

    Attributes:
        seconds: of the processor per optimiser step, one number per seed; NaN where a run has no ledger.
        passes: of the teacher for each sample shown; NaN if unknown.
        learnt: parameters that are trained besides the student; NaN if unknown.
        extra: parameters of the deployed student beyond the control's.
        steps: optimiser steps of all that is trained.
    """

    seconds: tuple[float, ...]
    passes: float = math.nan
    learnt: float = math.nan
    extra: float = 0.0
    steps: int = 0


@dataclass(frozen=True)
class MethodCost(Result):
    """M methods, the control first.

    Attributes:
        methods: M names.
        seconds: (M,) processor seconds per step, mean over seeds.
        ratios: (M,) the same over the control's.
        ratios_low, ratios_high: (M,) of the cheapest and the most expensive seed.
        passes: (M,) of the teacher for each sample shown.
        learnt: (M,) parameters trained besides the student.
        extra: (M,) parameters of the deployed student beyond the control's.
        steps: (M,) optimiser steps of all that is trained.
        gains: M intervals of the paired difference from the control; NaN for the control itself.
        smallest_effect: the least difference worth having.
        score: whose differences they are.
        n: M.
        warnings: what weakens the numbers.
        provenance: where they are from.
    """

    methods: tuple[str, ...]
    seconds: np.ndarray
    ratios: np.ndarray
    ratios_low: np.ndarray
    ratios_high: np.ndarray
    passes: np.ndarray
    learnt: np.ndarray
    extra: np.ndarray
    steps: np.ndarray
    gains: tuple[Interval, ...]
    smallest_effect: float
    score: str
    n: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """Gain, time and the rest of every method as quantities of their own."""
        found = []
        for place, method in enumerate(self.methods):
            gain, time = (
                self.gains[place],
                {"low": float(self.ratios_low[place]), "high": float(self.ratios_high[place])},
            )
            values = {words: float(getattr(self, name)[place]) for name, words in UNITS.items()}
            found += [{"quantity": f"{method}: {words}", "value": value} for words, value in values.items()]
            found.append({"quantity": f"{method}: times {self.methods[0]}", "value": float(self.ratios[place]), **time})
            found.append({"quantity": f"{method}: gain", "value": gain.mean, "low": gain.low, "high": gain.high})
        return found

    def table(self) -> pd.DataFrame:
        """The same with a row for each method."""
        import pandas as pd

        columns = {words: getattr(self, name) for name, words in UNITS.items()}
        columns |= {f"times {self.methods[0]}": self.ratios, "gain": [gain.mean for gain in self.gains]}
        return pd.DataFrame(columns, index=pd.Index(self.methods, name="method"))

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        if not np.isfinite(self.ratios[1:]).any():
            return "No run of this study has a ledger: nothing is known of the cost of its methods."
        dear = 1 + int(np.nanargmax(self.ratios[1:]))
        asked = [self.methods[k] for k in range(self.n) if self.passes[k] > 0]
        text = (
            f"Of {plural(self.n - 1, 'method')}, {self.methods[dear]} takes most processor time per step: "
            f"{number(self.ratios[dear])} times that of {self.methods[0]}. "
        )
        text += (
            f"The teacher is asked during training by {listed(asked)}."
            if asked
            else "No teacher is asked during training."
        )
        used = [f"{self.methods[k]} ({self.extra[k]:,.0f})" for k in range(self.n) if self.extra[k] > 0]
        return f"{text} Parameters added to the student in use: {listed(used)}." if used else text


@checked_arguments
def method_cost(
    spent: Mapping[str, Spent],
    control: str,
    gains: Mapping[str, Interval] | None = None,
    *,
    smallest_effect: float = 0.5,
    score: str = "score",
) -> MethodCost:
    """Put what methods spent beside their control.

    Args:
        spent: by method, the control among them.
        control: the one all are compared with.
        gains: by method, its paired difference from the control.
        smallest_effect: the least difference worth having.
        score: what the differences are of.

    Raises:
        KeyError: the control is not among the methods.
        ValueError: there is no other method.
    """
    if control not in spent:
        raise KeyError(f"no {control!r} to compare with; there are {', '.join(spent)}")
    if len(spent) < 2:
        raise ValueError(f"{control!r} is the only method; give something to compare it with")
    names = [control, *(name for name in spent if name != control)]
    times, ordered = {name: np.asarray(spent[name].seconds, float) for name in names}, [spent[name] for name in names]
    base = float(times[control].mean())
    return MethodCost(
        methods=tuple(names),
        seconds=np.array([times[name].mean() for name in names]),
        ratios=np.array([times[name].mean() / base for name in names]),
        ratios_low=np.array([times[name].min() / base for name in names]),
        ratios_high=np.array([times[name].max() / base for name in names]),
        passes=np.array([each.passes for each in ordered]),
        learnt=np.array([each.learnt for each in ordered], float),
        extra=np.array([each.extra for each in ordered], float),
        steps=np.array([each.steps for each in ordered], np.int64),
        gains=tuple((gains or {}).get(name, UNKNOWN) for name in names),
        smallest_effect=smallest_effect,
        score=score,
        n=len(names),
        warnings=_warnings(names, ordered),
        provenance=dict(PROVENANCE),
    )


@checked_arguments
def method_cost_of(study: Study, setting: Setting | None = None) -> MethodCost:
    """What the methods of a study spent, from the ledgers of their runs.

    Args:
        study: of ``wb.study``, finished.
        setting: of the study; only needed where it is your own.

    Raises:
        ValueError: the study knows no store, or one of its runs cannot be revived.
    """
    arms = {arm.name: arm for arm in study.arms.values() if arm.role in ("method", "control") and arm.outcomes}
    size = study.run(study.control, arms[study.control].seeds[0]).facts["parameters"]["student"]
    spent = {name: _spent(study, arm, size, setting) for name, arm in arms.items()}
    gains = {name: found.interval for name, found in study.comparisons.items()}
    return method_cost(spent, study.control, gains, smallest_effect=study.smallest_effect, score=study.score)


def _spent(study: Study, arm: Arm, size: int, setting: Setting | None) -> Spent:
    runs = [study.run(arm.name, seed) for seed in arm.seeds]
    first = runs[0]
    return Spent(
        seconds=tuple(_seconds(run) for run in runs),
        passes=_passes(first),
        learnt=_adapters(first, setting) + _others(first),
        extra=first.facts["parameters"]["student"] - size,
        steps=sum(first.facts["steps"].values()),
    )


def _adapters(run: Run, setting: Setting | None) -> int:
    """Parameters that the method itself learnt."""
    method = run.revive(setting).method
    if method is None:
        raise ValueError(f"method {run.method['name']!r} of run {run.id} is not in the catalogue and not known here")
    return sum(parameter.numel() for parameter in method.parameters())


def _others(run: Run) -> int:
    """Parameters of peers, assistants and further teachers that were trained for this run."""
    trained = set(run.facts["steps"]) - {"student", "teacher"}
    return sum(size for party, size in run.facts["parameters"].items() if party in trained)


def _learning(run: Run) -> Iterator[Mapping[str, Any]]:
    """The rows of its ledger in which something was learnt."""
    return (row for row in run.facts.get("energy", {}).get("stages", ()) if row["steps"])


def _seconds(run: Run) -> float:
    rows = list(_learning(run))
    return sum(row["cpu_s"] for row in rows) / sum(row["steps"] for row in rows) if rows else math.nan


def _passes(run: Run) -> float:
    rows, served = list(_learning(run)), run.facts.get("energy", {}).get("serving", {}).get("teacher")
    if not rows:
        return math.nan
    asked = sum(row["flops"].get("teacher forward", 0.0) for row in rows)
    if not asked or served is None:
        return math.nan if asked else 0.0
    once = served["flops"].get("teacher forward", 0.0) / served["samples"]
    return asked / (sum(row["samples"] for row in rows) * once) if once else math.nan


def _warnings(names: Sequence[str], spent: Sequence[Spent]) -> tuple[str, ...]:
    blind = ", ".join(name for name, each in zip(names, spent, strict=True) if np.isnan(each.seconds).any())
    found = [f"without a ledger of all runs: {blind}"] if blind else []
    lengths = {each.steps for each in spent if each.steps}
    if len(lengths) > 1:
        found.append(f"they train for {min(lengths):,} to {max(lengths):,} steps: compare the dear ones at equal steps")
    return tuple(found)
