"""How does each distillation of a study stand on every scale at once?

How it is measured: by one number per run and scale, and the mean over the seeds of an arm.

Formula:
    score        the study's, on test samples
    agreement    share of test samples for which student and teacher pick the same class
    ece          expected calibration error of the student, 15 bins of equal width; too large by what few samples add, alike
                 for all arms of one test set
    divergence   KL(mean teacher || mean student) over seeds in nats, with its floor taken off (``pred_seed``)
    flatness     trace of the Hessian of the loss on labels, at most 256 training samples; less is flatter
    energy       joules of one student, by the ledger
    Each with Student's t interval over the seeds, but divergence (jackknife over seeds).

Reading it: a row that is better on one scale is often worse on another; that is the point of the board. Numbers in one column
can be compared, those in one row cannot.
When it misleads: many scales times many arms are many comparisons, and none of these intervals is adjusted for that. Runs of an
arm share data with those of the others, so overlapping intervals do not say that a difference is unclear: the paired
differences of the study do.
After: ours; the scales are those of ``agreement``, ``calibration``, ``divergence``, ``flatness`` and ``energy``. Cost: that of
``flatness`` for each run where it is asked for, otherwise milliseconds per run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.arrays import plain
from workbench.diagnostics.calibration import measure_reliability as reliability
from workbench.diagnostics.divergence.measure_predictive import pred_seed
from workbench.diagnostics.energy.measure import energy_of
from workbench.diagnostics.flatness.measure import flatness_of
from workbench.diagnostics.outputs import Pair, pair_of
from workbench.diagnostics.study_runs import runs_of
from workbench.maths.intervals import UNBOUNDED, mean_interval
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, estimate
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.study import Study
from workbench.records.wording import listed, plural
from workbench.settings.setting import Setting

Tell = Callable[[float, str], object]
Values = Interval | ArrayLike
SCALES = {
    "score": ("score", True),
    "agreement": ("agreement with the teacher", True),
    "ece": ("calibration error (ECE)", False),
    "divergence": ("divergence from the teacher in nats", False),
    "flatness": ("trace of the Hessian", False),
    "energy": ("energy of one student in J", False),
}
"""Each scale in words, and whether high values are usually wanted (of the score the study says it)."""
BOUNDS = {"agreement": (0.0, 1.0), "ece": (0.0, 1.0)}
BINS = 15
UNKNOWN = Interval(math.nan, math.nan, math.nan, 0, "none")
PROVENANCE = {"paper": "", "fidelity": "proposed", "ours": "the selection of scales; each names its own source"}


@dataclass(frozen=True)
class Board(Result):
    """A arms of a study on the scales of ``SCALES``.

    Attributes:
        arms: A names, the control first.
        score, agreement, ece, divergence, flatness, energy: A intervals each, over seeds; NaN where nothing is known.
        scored: what the score is, with its unit.
        higher_is_better: whether a high score is wanted.
        n: seeds of each arm, the fewest.
        missing: why a scale of an arm has no number, by ``arm: scale``.
        warnings: what weakens the numbers.
        provenance: where they are from.
    """

    arms: tuple[str, ...]
    score: tuple[Interval, ...]
    agreement: tuple[Interval, ...]
    ece: tuple[Interval, ...]
    divergence: tuple[Interval, ...]
    flatness: tuple[Interval, ...]
    energy: tuple[Interval, ...]
    scored: str
    higher_is_better: bool
    n: int
    missing: dict[str, str]
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """Every scale of every arm as a quantity of its own."""
        return [
            {"quantity": f"{arm}: {scale}", "value": cell.mean, "low": cell.low, "high": cell.high}
            for place, arm in enumerate(self.arms)
            for scale, cell in self.cells(place).items()
        ]

    def cells(self, place: int) -> dict[str, Interval]:
        """One row of the board, by scale."""
        return {scale: getattr(self, scale)[place] for scale in SCALES}

    def wanted(self, scale: str) -> str:
        """The end of a scale that is usually wanted: ``highest`` or ``lowest``."""
        higher = self.higher_is_better if scale == "score" else SCALES[scale][1]
        return "highest" if higher else "lowest"

    def best(self, scale: str) -> int | None:
        """The arm at the wanted end of a scale, by its mean; None where fewer than two are known or two are equal."""
        sign = 1 if self.wanted(scale) == "highest" else -1
        means = {place: sign * cell.mean for place, cell in enumerate(getattr(self, scale)) if math.isfinite(cell.mean)}
        at = [place for place, mean in means.items() if mean == max(means.values())]
        return at[0] if len(means) > 1 and len(at) == 1 else None

    def explain(self) -> str:
        """Which arm is at the wanted end of which scale, in one paragraph."""
        told, unknown = [], []
        for scale, (words, _) in SCALES.items():
            if (at := self.best(scale)) is not None:
                told.append(
                    f"{self.arms[at]} has the {self.wanted(scale)} {words}, {estimate(getattr(self, scale)[at])}"
                )
            elif all(math.isnan(cell.mean) for cell in getattr(self, scale)):
                unknown.append(words)
        text = f"{plural(len(self.arms), 'arm')}, {plural(self.n, 'seed')} or more of each. "
        text += (
            f"By the means over seeds, {'; '.join(told)}." if told else "No scale has two different numbers to compare."
        )
        return f"{text} Not known: {listed(unknown)}." if unknown else text


@checked_arguments
def board(
    arms: Mapping[str, Mapping[str, Values]],
    *,
    scored: str = "score",
    higher_is_better: bool = True,
    missing: Mapping[str, str] | None = None,
) -> Board:
    """Put arms side by side.

    Args:
        arms: by name, the control first, and by scale of ``SCALES`` the values of its seeds (n,), or a finished interval; a
            scale that is left out is not known.
        scored: what the score is.
        higher_is_better: whether a high score is wanted.
        missing: why a scale of an arm has no number, by ``arm: scale``.

    Raises:
        KeyError: a scale of another name.
        ValueError: there is no arm, or values are not (n,) finite numbers.
    """
    if not arms:
        raise ValueError("no arm is given: a board needs one row or more")
    unknown = sorted({scale for values in arms.values() for scale in values} - set(SCALES))
    if unknown:
        raise KeyError(f"no scale {unknown[0]!r}; there are {', '.join(SCALES)}")
    cells = {
        scale: tuple(
            _cell(values.get(scale), f"{arm}: {scale}", BOUNDS.get(scale, UNBOUNDED)) for arm, values in arms.items()
        )
        for scale in SCALES
    }
    seeds = [cell.n for cell in cells["score"] if cell.n] or [
        cell.n for row in cells.values() for cell in row if cell.n
    ]
    few = min(seeds, default=0)
    return Board(
        arms=tuple(arms),
        **cells,
        scored=scored,
        higher_is_better=higher_is_better,
        n=few,
        missing=dict(missing or {}),
        warnings=(f"{plural(few, 'seed')}: too few for intervals",) if few < 3 else (),
        provenance=dict(PROVENANCE),
    )


def _cell(values: Values | None, name: str, bounds: tuple[float, float]) -> Interval:
    if values is None or isinstance(values, Interval):
        return values or UNKNOWN
    array = plain(values, name)
    if array.ndim != 1 or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise ValueError(f"{name} must be (n,) finite numbers, one per seed")
    return mean_interval(array, bounds=bounds) if len(array) else UNKNOWN


@checked_arguments
def board_of(study: Study, setting: Setting | None = None, *, flatness: bool = True, tell: Tell | None = None) -> Board:
    """The control and the methods of a study on every scale.

    Args:
        study: of ``wb.study``, of a classification, finished.
        setting: of the study; only needed for flatness, and only where it is your own.
        flatness: whether the curvature around each student is measured, which takes longest.
        tell: called with the share done in [0, 1] and the arm.

    Raises:
        ValueError: the study knows no store, or is no classification.
    """
    names = [name for name, arm in study.arms.items() if arm.role in ("control", "method") and arm.outcomes]
    names.sort(key=lambda name: name != study.control)
    joules, missing = _joules(study, names)
    rows: dict[str, dict[str, Values]] = {}
    for done, name in enumerate(names):
        if tell is not None:
            tell(done / len(names), name)
        runs = [run for _, run in runs_of(study, name)]
        rows[name], reasons = _row(runs, setting, flatness=flatness)
        rows[name]["score"] = study.arms[name].interval or UNKNOWN
        rows[name] |= {"energy": joules[name]} if name in joules else {}
        missing |= {f"{name}: {scale}": why for scale, why in reasons.items()}
    told = {"scored": study.score, "higher_is_better": study.higher_is_better}
    return board(rows, **told, missing=missing)


def _joules(study: Study, names: Sequence[str]) -> tuple[dict[str, Interval], dict[str, str]]:
    """What one student of each arm takes, and why that is not known."""
    try:
        totals = energy_of(study, names).totals
    except (KeyError, ValueError) as error:
        return {}, {f"{name}: energy": _why(error) for name in names}
    found, missing = {}, {}
    for name in names:
        rows = [row for row in totals if row["arm"] == name and math.isfinite(row["energy_j"])]
        if len(rows) == 1:
            (row,) = rows
            found[name] = Interval(row["energy_j"], row["low_j"], row["high_j"], row["runs"], "percentile")
        else:
            scopes = listed(row["scope"] for row in rows)
            missing[f"{name}: energy"] = (
                f"it is counted apart for {scopes}" if rows else "nothing was measured or estimated"
            )
    return found, missing


def _row(runs: Sequence[Run], setting: Setting | None, *, flatness: bool) -> tuple[dict[str, Values], dict[str, str]]:
    """The scales of one arm, and why some have no number."""
    row: dict[str, Values] = {}
    try:
        pairs = [pair_of(run) for run in runs]
        row["agreement"] = [float((p.student.argmax(1) == p.teacher.argmax(1)).mean()) for p in pairs]
        row["ece"] = [_ece(pair) for pair in pairs]
        row["divergence"] = pred_seed(np.stack([pair.student for pair in pairs]), _teachers(pairs)).value
        reasons = {}
    except (KeyError, ValueError) as error:
        reasons = dict.fromkeys(("agreement", "ece", "divergence"), _why(error))
    if not flatness:
        return row, reasons | {"flatness": "it was not asked for"}
    try:
        row["flatness"] = [flatness_of(run, setting).traces["student"].mean for run in runs]
    except (KeyError, ValueError) as error:
        reasons["flatness"] = _why(error)
    return row, reasons


def _ece(pair: Pair) -> float:
    from scipy.special import softmax

    confidence = softmax(pair.student.astype(np.float64), axis=1).max(axis=1)
    hits = pair.student.argmax(axis=1) == pair.labels
    return reliability.error(hits - confidence, reliability.equal_width(confidence, BINS), BINS)


def _teachers(pairs: Sequence[Pair]) -> np.ndarray:
    """(k, N, C) of the different teachers."""
    found: list[np.ndarray] = []
    for pair in pairs:
        if not any(np.array_equal(pair.teacher, other) for other in found):
            found.append(pair.teacher)
    return np.stack(found)


def _why(error: Exception) -> str:
    return str(error.args[0] if error.args else error)
