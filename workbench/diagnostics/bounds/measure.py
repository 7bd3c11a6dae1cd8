"""What does the divergence of students from teachers allow their generalization gaps to be?

How it is measured: from the teacher's gap and an estimate of the divergence K, for a loss in [0, 1], so that the gap is
sub-Gaussian with sigma = 1 at most.

Formula:
    upper      E_S G <= E_T G + sqrt(2 sigma^2 K), by E_Q g <= KL(Q || P) + log E_P e^g with g = l (G - E_T G), best l
    lower      E_S G >= E_T G - eta sigma^2 / 2 - K / eta for every eta > 0; best at eta = sqrt(2 K) / sigma
    central    E_S G >= -(1/eta) log E_T e^(-eta G) - K / eta: linear in K where the teachers' gaps are that good
    vacuous    no loss in [0, 1] has a gap above 1: a bound beyond it says nothing
Reading it: below the K named as useful, the upper bound says something. The badge says when it does not.
When it misleads: whatever one sees of outputs is at most K (data processing), so an estimate that can only be too small
draws the bound too tight: it illustrates the bound and cannot certify it. The expectation over teachers in the central
bound is a mean over few seeds.
After: the lemma is in the appendix of Li & He 2026; the bounds follow from it and may differ from theirs in constants and
conditions: a reconstruction, not the paper's theorem. Cost: none beyond the divergence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.diagnostics.divergence.measure import Divergence, Tell, divergence_of
from workbench.diagnostics.divergence.measure_gaps import LOSSES
from workbench.diagnostics.divergence.measure_source import provenance
from workbench.maths.intervals import mean_interval
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.study import Study
from workbench.records.wording import between, number, signed

if TYPE_CHECKING:
    from workbench.settings.setting import Setting

SIGMA = LARGEST = 1.0
FEW_TEACHERS = 5


@dataclass(frozen=True)
class Bounds(Result):
    """The gaps of students and teachers, and what a divergence allows.

    Attributes:
        teacher_gap: test minus training loss of the teachers, with an interval over different ones.
        student_gap: of the students.
        difference: of each student from its own teacher.
        divergence: the estimate of K that is used.
        estimator: its name.
        side: on which side it errs.
        allowance: ``sqrt(2 sigma^2 K)``.
        upper: what a student's gap can be at most, were K the estimate.
        lower: at least, at ``eta``.
        central: at least under the central condition, from the teachers' gaps; NaN below five teachers.
        eta: of both lower bounds.
        sigma: of the gap under the teachers' distribution.
        vacuous: True if the upper bound is above the largest gap there is.
        useful_below: the K below which it is not; NaN if even K = 0 says nothing.
        loss: which one: ``0-1`` or ``brier``.
        n: test samples.
        warnings: what weakens the numbers.
        provenance: that it is a reconstruction.
    """

    teacher_gap: Interval
    student_gap: Interval
    difference: Interval
    divergence: Interval
    estimator: str
    side: str
    allowance: float
    upper: float
    lower: float
    central: float
    eta: float
    sigma: float
    vacuous: bool
    useful_below: float
    loss: str
    n: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def explain(self) -> str:
        """What the bound says, in one paragraph."""
        estimated = self.divergence.mean
        known = "0" if estimated <= 0 else number(estimated)
        debiased = f", debiased to {number(estimated)}" if estimated < 0 else ""
        text = (
            f"With K = {known} nats ({self.estimator}{debiased}: {self.side}) the bound's "
            f"allowance is {number(self.allowance)}, the teacher's gap {signed(self.teacher_gap.mean)} ({self.loss} loss)"
        )
        if self.vacuous:
            text += f": their sum is vacuous: no gap is above 1. The students' gap is {signed(self.student_gap.mean)}."
        else:
            text += f". A student's gap may be {between(self.lower, self.upper)}. {self._held()}"
        return f"{text} K is an estimate, which cannot certify a bound. ({self.provenance['ours']}.)"

    def _held(self) -> str:
        """Where the students' gap lies."""
        gap = self.student_gap.mean
        if np.isnan(gap):
            return "The students' gap is not known."
        if self.lower <= gap <= self.upper:
            return f"The students' gap of {signed(gap)} lies within it."
        return (
            f"The students' gap of {signed(gap)} lies outside: this estimate of K is too small for the bound, or the gap is "
            "uncertain."
        )


@checked_arguments
def bounds(found: Divergence, *, loss: str = "brier", estimator: str = "pred_seed", eta: float | None = None) -> Bounds:
    """The bounds that an estimated divergence makes.

    Args:
        found: the estimates and the gaps.
        loss: ``0-1`` or ``brier``.
        estimator: which estimate of the divergence.
        eta: of the lower bounds; the best one if None.

    Raises:
        KeyError: there is no such estimate, or no such loss; the message says which there are.
        ValueError: the gaps are not known, or eta is not positive.
    """
    if loss not in LOSSES:
        raise KeyError(f"no loss {loss!r}; there are {', '.join(LOSSES)}")
    if estimator not in found.values:
        why = found.refused.get(estimator)
        raise KeyError(f"no estimate {estimator!r}{f' ({why})' if why else ''}; there are {', '.join(found.values)}")
    column = LOSSES.index(loss)
    student, teacher = (each[:, column] for each in (found.student_gaps, found.teacher_gaps))
    if not (np.isfinite(student).all() and np.isfinite(teacher).all()):
        raise ValueError("the gaps are not known: divergence_of collects them, divergence(...) is given them")
    value = max(found.values[estimator].mean, 0.0)
    gap, eta = float(teacher.mean()), _eta(value, eta)
    upper = gap + allowance(value)
    return Bounds(
        teacher_gap=mean_interval(teacher),
        student_gap=mean_interval(student),
        difference=mean_interval(student - teacher[found.taught_by]),
        divergence=found.values[estimator],
        estimator=estimator,
        side=found.sides[estimator],
        allowance=allowance(value),
        upper=upper,
        lower=lower_bound(gap, value, eta),
        central=central_bound(teacher, value, eta) if len(teacher) >= FEW_TEACHERS else float("nan"),
        eta=eta,
        sigma=SIGMA,
        vacuous=bool(upper >= LARGEST),
        useful_below=float((LARGEST - gap) ** 2 / (2 * SIGMA**2)) if gap < LARGEST else float("nan"),
        loss=loss,
        n=found.n,
        warnings=found.warnings,
        provenance=provenance("bounds from the lemma of the appendix, for a loss in [0, 1]"),
    )


@checked_arguments
def bounds_of(
    thing: Run | Study,
    setting: Setting | None = None,
    *,
    arm: str = "",
    loss: str = "brier",
    estimator: str = "pred_seed",
    tell: Tell | None = None,
) -> Bounds:
    """The bounds for a study's students over its seeds, or for one run.

    Args:
        thing: as for ``divergence_of``.
        setting: likewise.
        arm: likewise.
        loss: ``0-1`` or ``brier``.
        estimator: which estimate of the divergence.
        tell: called with the share done in [0, 1] and a message.

    Raises:
        KeyError: as ``bounds``, or the study has no such arm.
        ValueError: as ``divergence_of``.
    """
    return bounds(divergence_of(thing, setting, arm=arm, tell=tell), loss=loss, estimator=estimator)


def allowance(divergence: float, sigma: float = SIGMA) -> float:
    """``sqrt(2 sigma^2 K)``: how far above the teacher's gap the student's may be."""
    return sigma * (2 * divergence) ** 0.5


def lower_bound(teacher_gap: float, divergence: float, eta: float, sigma: float = SIGMA) -> float:
    """What the student's gap is at least: linear in K for a fixed eta."""
    return teacher_gap - eta * sigma**2 / 2 - (divergence / eta if divergence else 0.0)


def central_bound(teacher_gaps: np.ndarray, divergence: float, eta: float) -> float:
    """``-(1/eta) log mean e^(-eta G) - K / eta`` with the mean over (k,) teachers; the mean gap minus K / eta for small eta."""
    from scipy.special import logsumexp

    if eta == 0:
        return float(np.mean(teacher_gaps))
    free = -(logsumexp(-eta * np.asarray(teacher_gaps, float)) - np.log(len(teacher_gaps))) / eta
    return float(free - divergence / eta)


def _eta(divergence: float, given: float | None) -> float:
    if given is not None and not given > 0:
        raise ValueError(f"eta = {given} must be positive")
    return float((2 * divergence) ** 0.5 / SIGMA) if given is None else float(given)
