"""Arms over seeds, compared with their controls."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from workbench.records.arguments import checked_arguments
from workbench.records.arm import Arm, interval, mean
from workbench.records.arrays import load_arrays, save_arrays
from workbench.records.interval import Interval
from workbench.records.measure import Measured
from workbench.records.plain import plain
from workbench.records.result import Result
from workbench.records.verdict import Comparison

if TYPE_CHECKING:
    import pandas as pd

    from workbench.records.run import Run

COLUMNS = ("arm", "mean", "95 % interval", "selected", "difference", "agreement", "seconds")

WIDTH = 100


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
        return text(self)

    def _repr_html_(self) -> str:

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
    intervals = {arm: Interval.from_dict(each) for arm, each in found["intervals"].items()}
    comparisons = {arm: _comparison(each) for arm, each in found["comparisons"].items()}
    return Measured(found["unit"], found["higher_is_better"], intervals, comparisons)


def _comparison(found: Mapping[str, Any]) -> Comparison:
    values = {f.name: found[f.name] for f in fields(Comparison) if f.name in found}
    values |= {name: math.nan for name in ("p", "p_adjusted", "sd") if values[name] is None}
    values |= {name: interval(values[name]) for name in ("interval", "equivalence_interval")}
    return Comparison(**values)


def rows(study: Study) -> list[dict[str, Any]]:
    """One row of plain numbers per arm.

    ``difference`` and ``verdict`` of a method are against the study's control. In the row of a permuted or equal-total
    control they are those of the method it belongs to (``compared`` names both), against this control.
    """
    return [_row(study, arm) for arm in study.arms.values()]


def _row(study: Study, arm: Arm) -> dict[str, Any]:
    method, against, found = _compared(study, arm)
    interval = arm.interval
    return {
        "arm": arm.name,
        "role": arm.role,
        "seeds": len(arm.outcomes),
        "mean": interval and interval.mean,
        "low": interval and interval.low,
        "high": interval and interval.high,
        "selected": arm.selected_interval and arm.selected_interval.mean,
        "compared": f"{method} with {against}" if found else "",
        "difference": found and found.difference,
        "difference_low": found and found.interval.low,
        "difference_high": found and found.interval.high,
        "verdict": found.verdict if found else "",
        "sentence": found.sentence if found else "",
        "agreement": arm.agreement,
        "seconds": arm.seconds,
        "steps": arm.steps,
        "total_steps": arm.total_steps,
        "stored": sum(outcome.stored for outcome in arm.outcomes),
        **{key: value for name in study.measures for key, value in _measured_row(study, arm.name, name).items()},
    }


def _measured_row(study: Study, arm: str, name: str) -> dict[str, Any]:
    """Columns of a measure: its mean, and its difference from the study's control."""
    mean, found = study.measures[name].intervals.get(arm), study.measures[name].comparisons.get(arm)
    return {name: mean and mean.mean, f"{name} difference": found and found.difference}


def _compared(study: Study, arm: Arm) -> tuple[str, str, Comparison | None]:
    if arm.role == "method":
        return arm.name, study.control, study.comparisons.get(arm.name)
    owner = arm.of[0] if arm.of else ""
    return owner, arm.name, study.further.get(owner, {}).get(arm.name)


def text(study: Study) -> str:
    """The table of a terminal, and a sentence for every comparison."""
    table = [COLUMNS, *(_cells(study, arm) for arm in study.arms.values())]
    widths = [max(len(row[k]) for row in table) for k in range(len(COLUMNS))]
    widths[0] = min(widths[0], WIDTH - sum(widths[1:]) - 2 * len(widths[1:]))
    lines = [_title(study), ""]
    for row in table:
        name, rest = (
            wrap(row[0], widths[0]) or [""],
            [cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True)],
        )
        lines += [*name[:-1], "  ".join([name[-1].ljust(widths[0]), *rest]).rstrip()]
    lines += [f"teacher: {_teacher(study)}"] if study.teachers else []
    lines.append("")
    for line in _sentences(study):
        lines += wrap(line, WIDTH, subsequent_indent="    ")
    return "\n".join(lines).rstrip()


def html(study: Study) -> str:
    """The same as a table of HTML; every text is escaped."""
    head = "".join(f"<th>{escape(name)}</th>" for name in COLUMNS)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(study, arm)) + "</tr>"
        for arm in study.arms.values()
    )
    teacher = f"<p>teacher: {escape(_teacher(study))}</p>" if study.teachers else ""
    sentences = "".join(f"<li>{escape(line)}</li>" for line in _sentences(study))
    return (
        f"<p>{escape(_title(study))}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"{teacher}<ul>{sentences}</ul>"
    )


def _title(study: Study) -> str:
    direction = (
        "" if study.higher_is_better else " (lower is better; differences are signed so that positive is better)"
    )
    count = f"{len(study.seeds)} seeds" if len(study.seeds) != 1 else "one seed"
    return f"{study.setting['name']}: {study.score}{direction} on test after the last epoch, {count}"


def _cells(study: Study, arm: Arm) -> tuple[str, ...]:
    found = study.comparisons.get(arm.name)
    return (
        "  " + arm.role.replace("permuted_", "permuted ").replace("_", "-")
        if arm.role.startswith("permuted")
        else arm.name,
        _number(arm.interval and arm.interval.mean),
        _range(arm.interval),
        _number(arm.selected_interval and arm.selected_interval.mean),
        f"{found.difference:+.2f}" if found else "",
        "" if math.isnan(arm.agreement) else f"{100 * arm.agreement:.1f} %",
        "" if math.isnan(arm.seconds) else f"{arm.seconds:.3g}",
    )


def _range(found: Interval | None) -> str:
    """Bounds of an arm's mean; that all seeds are equal is said, and nothing where there are too few of them."""
    if found is not None and found.method == "tied":
        return "all equal"
    return "" if found is None or math.isnan(found.low) else f"{_number(found.low)} to {_number(found.high)}"


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return ""
    return f"{value:.2f}" if value == 0 or abs(value) >= 1 else f"{value:.3g}"


def _teacher(study: Study) -> str:
    several = f" (mean of {len(study.teachers)} teachers)" if len(study.teachers) > 1 else ""
    return _number(study.teacher) + several


def measure_lines(study: Study) -> Iterator[str]:
    """One line per measure and arm: mean and interval, and the difference from the control."""
    for name, measured in study.measures.items():
        yield from _on_measure(study, name, measured)


def _on_measure(study: Study, name: str, measured: Measured) -> Iterator[str]:
    about = ", ".join(filter(None, (measured.unit, "higher" if measured.higher_is_better else "lower")))
    for arm, around in measured.intervals.items():
        within, found = _range(around), measured.comparisons.get(arm)
        line = f"{name} ({about} is better): {arm} {_number(around.mean)}" + (f" ({within})" if within else "")
        if found is None:
            yield f"{line}."
            continue
        gap = "" if math.isnan(found.interval.low) else f" ({found.interval.low:+.3g} to {found.interval.high:+.3g})"
        yield f"{line}; {found.difference:+.3g}{gap} against {study.control}: {found.verdict}."


def _sentences(study: Study) -> Iterator[str]:
    pairs = [*study.comparisons.items(), *((a, c) for a, others in study.further.items() for c in others.values())]
    for arm, found in pairs:
        named = found.against in found.sentence
        yield f"{arm}: {found.sentence}" if named else f"{arm} against {found.against}: {found.sentence}"
    yield from measure_lines(study)
    stored, runs = study.from_store
    if stored:
        yield f"{stored} of {runs} runs came from the store; fresh=True computes them again."
    for cell, message in study.failures.items():
        yield f"failed: {cell}: {message}"
    yield from (f"warning: {line}" for line in study.warnings)
    yield from study.notes
