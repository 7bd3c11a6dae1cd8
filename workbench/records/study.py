"""Arms over seeds, compared with their controls."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from workbench.records.arguments import checked_arguments
from workbench.records.arm import Arm, interval, mean
from workbench.records.arrays import load_arrays, save_arrays
from workbench.records.measure import Measured
from workbench.records.plain import plain
from workbench.records.result import Result
from workbench.records.verdict import Comparison

if TYPE_CHECKING:
    import pandas as pd

    from workbench.records.run import Run


@dataclass(frozen=True, repr=False)
class Study(Result):
    """Methods over seeds on one setting, with their controls and verdicts.

    Differences are signed so that positive is better, whatever the direction of the score.

    Attributes:
        id: content address of what was asked.
        setting: ``{"name": ..., "config": {...}, ...}``.
        score: name of the score.
        higher_is_better: its direction.
        seeds: as planned.
        control: name of the arm that all methods are compared with.
        arms: by name, the control first.
        comparisons: of each method with the control, Holm-corrected across the methods.
        further: by method and control, its comparisons with the permuted controls and the one at equal total steps.
        teachers: score of each teacher by its seed.
        smallest_effect: the least difference worth having.
        quick: True if permuted controls were left out, so that there is no verdict.
        failures: what went wrong, by ``arm, seed n``.
        notes: what a reader must know.
        measures: the setting's own measures by name, with intervals and comparisons.
        warnings: of its runs, each once with the arms whose runs warn so.
    """

    id: str
    setting: Mapping[str, Any]
    score: str
    higher_is_better: bool
    seeds: tuple[int, ...]
    control: str
    arms: Mapping[str, Arm]
    comparisons: Mapping[str, Comparison]
    further: Mapping[str, Mapping[str, Comparison]] = field(default_factory=dict)
    teachers: Mapping[int, float] = field(default_factory=dict)
    smallest_effect: float = 0.5
    quick: bool = False
    failures: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    measures: Mapping[str, Measured] = field(default_factory=dict)
    loader: Callable[[str], Run] | None = field(default=None, compare=False)

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict of each method; empty below 3 seeds and for quick studies."""
        return {arm: c.verdict for arm, c in self.comparisons.items() if c.verdict != "no verdict"}

    @property
    def from_store(self) -> tuple[int, int]:
        """How many of its runs came from the store, and how many runs it has."""
        outcomes = [outcome for arm in self.arms.values() for outcome in arm.outcomes]
        return sum(outcome.stored for outcome in outcomes), len(outcomes)

    @property
    def teacher(self) -> float:
        """Mean score of the teachers, NaN if there is none."""
        return mean(list(self.teachers.values()))

    @checked_arguments
    def comparison(self, arm: str, measure: str | None = None) -> Comparison:
        """A method compared with the study's control, by the score or by a measure of the setting.

        Raises:
            KeyError: no such measure, or the arm is not compared; the message lists what is there.
        """
        if measure is not None and measure not in self.measures:
            raise KeyError(f"no measure {measure!r}; there are {', '.join(self.measures) or 'none'}")
        found = self.comparisons if measure is None else self.measures[measure].comparisons
        if arm not in found:
            raise KeyError(f"{arm!r} is not compared with {self.control}; there are {', '.join(found) or 'none'}")
        return found[arm]

    @checked_arguments
    def run(self, arm: str, seed: int = 0) -> Run:
        """A finished run, from the store.

        Raises:
            KeyError: no such arm, or the seed is not finished; the message lists what is there.
            ValueError: the study knows no store.
        """
        if arm not in self.arms:
            raise KeyError(f"no arm {arm!r}; there are {', '.join(self.arms)}")
        found = {o.seed: o.run for o in self.arms[arm].outcomes}
        if seed not in found:
            raise KeyError(f"arm {arm!r} has no finished seed {seed}; finished: {', '.join(map(str, found)) or 'none'}")
        if self.loader is None or not found[seed]:
            raise ValueError(f"this study knows no store; load the run {found[seed]!r} with open_store().load(...)")
        return self.loader(found[seed])

    @checked_arguments
    def with_runs(self, loader: Callable[[str], Run]) -> Study:
        """The same study, knowing where its runs are."""
        return replace(self, loader=loader)

    def rows(self) -> list[dict[str, Any]]:
        """One row of plain numbers per arm; see ``study_table``."""
        from workbench.records.study_table import rows

        return rows(self)

    table = Result.to_frame

    def per_seed(self) -> pd.DataFrame:
        """One row per finished run: arm, role, seed, scores, agreement, seconds, the setting's measures and the run's id."""
        import pandas as pd

        rows = []
        for arm in self.arms.values():
            for outcome in arm.outcomes:
                values = asdict(outcome) | {"steps": outcome.steps.get("student"), **outcome.measures}
                del values["measures"]
                rows.append({"arm": arm.name, "role": arm.role, **values})
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values for JSON; None for a number that is missing."""
        found = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "loader"}
        found["arms"] = {name: asdict(arm) for name, arm in self.arms.items()}
        found["comparisons"] = {arm: c.to_dict() for arm, c in self.comparisons.items()}
        found["further"] = {a: {b: c.to_dict() for b, c in others.items()} for a, others in self.further.items()}
        found["measures"] = {name: _plain(measured) for name, measured in self.measures.items()}
        found["teachers"] = {str(seed): score for seed, score in self.teachers.items()}
        return plain(found)

    @classmethod
    @checked_arguments
    def from_dict(cls, found: Mapping[str, Any]) -> Self:
        """The inverse of ``to_dict``.

        Raises:
            ValueError: it is not what ``to_dict`` gave.
        """
        if lost := [f.name for f in fields(cls) if f.default is f.default_factory is MISSING and f.name not in found]:
            raise ValueError(f"not the dict of a {cls.__name__}: it lacks {', '.join(lost)}")
        return cls(
            **{
                **found,
                "seeds": tuple(found["seeds"]),
                "notes": tuple(found["notes"]),
                "warnings": tuple(found.get("warnings", ())),
                "arms": {name: Arm.from_dict(arm) for name, arm in found["arms"].items()},
                "comparisons": {arm: _comparison(c) for arm, c in found["comparisons"].items()},
                "further": {a: {b: _comparison(c) for b, c in o.items()} for a, o in found["further"].items()},
                "measures": {name: _measured(m) for name, m in found.get("measures", {}).items()},
                "teachers": {int(seed): score for seed, score in found["teachers"].items()},
            }
        )

    @checked_arguments
    def save(self, path: str | Path) -> Path:
        """Write all numbers to one ``.npz`` file; the runs are in the store."""
        path = Path(path).with_suffix(".npz")
        save_arrays(path, {"__json__": np.array(json.dumps(self.to_dict()))})
        return path

    @classmethod
    @checked_arguments
    def load(cls, path: str | Path) -> Self:
        """The inverse of ``save``.

        Raises:
            ValueError: the file is not a saved study.
        """
        try:
            found = load_arrays(Path(path).with_suffix(".npz"))
            return cls.from_dict(json.loads(str(found["__json__"])))
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise ValueError(f"{path} is not a saved {cls.__name__}: {error}") from error

    def __repr__(self) -> str:
        """An aligned table with a sentence per comparison, at most 100 columns wide."""
        from workbench.records.study_table import text

        return text(self)

    def _repr_html_(self) -> str:
        from workbench.records.study_table import html

        return html(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}


def _plain(measured: Measured) -> dict[str, Any]:
    return {
        "unit": measured.unit,
        "higher_is_better": measured.higher_is_better,
        "intervals": {arm: each.to_dict() for arm, each in measured.intervals.items()},
        "comparisons": {arm: each.to_dict() for arm, each in measured.comparisons.items()},
    }


def _measured(found: Mapping[str, Any]) -> Measured:
    intervals = {arm: interval(each) for arm, each in found["intervals"].items()}
    comparisons = {arm: _comparison(each) for arm, each in found["comparisons"].items()}
    return Measured(found["unit"], found["higher_is_better"], intervals, comparisons)


def _comparison(found: Mapping[str, Any]) -> Comparison:
    values = {f.name: found[f.name] for f in fields(Comparison) if f.name in found}
    values |= {name: math.nan for name in ("p", "p_adjusted", "sd") if values[name] is None}
    values |= {name: interval(values[name]) for name in ("interval", "equivalence_interval")}
    return Comparison(**values)
