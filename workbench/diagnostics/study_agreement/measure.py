"""Do students that were taught agree with their teacher more than students that were not, over several seeds?

How it is measured: for every arm of a study, the agreement of each seed's student with its teacher on the test samples.
The control was never shown the teacher, so it shows what the labels alone make alike; a student of permuted targets
shows what any soft target does.

Formula: as in ``agreement``, averaged over seeds. Intervals: Student's t with the variance over seeds and that over
resampled samples, which all seeds share (``workbench.maths.crossed``); none below three seeds. ``gain`` is the mean
difference to the control, paired by seed; its interval is Student's t over seeds and its p value that of the paired t
test, both adjusted for the number of arms, so that the interval excludes 0 where the adjusted p value is below 0.05, and
only there.

Reading it: compare the arms' ``phi`` and gains, not their agreement alone: a more accurate student agrees more with an
accurate teacher even if it learnt nothing from it (the wedge in the picture).
When it misleads: gains speak of these test samples; seeds that share a teacher speak of that teacher only.
After: Stanton et al. 2021; Mason-Williams et al. 2025 (controls); intervals, phi and gains are ours.
Cost: O(A S N C) for A arms of S seeds and 1,000 resamples of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from workbench.diagnostics.agreement.measure_chance import Picks
from workbench.diagnostics.agreement.measure_distances import forward_kl
from workbench.diagnostics.outputs import classes_of, pair_of, paired_logits
from workbench.diagnostics.study_runs import runs_of
from workbench.maths.crossed import crossed_interval
from workbench.maths.intervals import FEWEST, differences
from workbench.maths.resampling import bootstrap_means, resampled
from workbench.maths.verdict import Adjusted, adjusted_intervals
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, bounds
from workbench.records.result import Result
from workbench.records.study import Study
from workbench.records.wording import number, percent, plural, points

Tell = Callable[[float, str], object]
LIMITS = {"top1": (0.0, 1.0), "forward_kl": (0.0, np.inf), "accuracy": (0.0, 1.0), "phi": (-1.0, 1.0)}
MEASURES = tuple(LIMITS)
UNKNOWN = Adjusted(Interval(np.nan, np.nan, np.nan, 0, "none"), np.nan, np.nan)
PROVENANCE = {
    "paper": "Stanton et al.: Does Knowledge Distillation Really Work? NeurIPS 2021, arXiv:2106.05945",
    "fidelity": "corrected",
    "ours": "intervals over seeds and samples, phi, gains over the control and their tests",
}


@dataclass(frozen=True)
class StudyAgreement(Result):
    """Agreement with the teacher by arm, over seeds and test samples.

    Attributes:
        arms: A names, the control first.
        seeds: by arm.
        top1, forward_kl, accuracy, phi: by arm, means over its seeds.
        teacher_accuracy: by arm, of the teachers of its seeds.
        gain: by arm, of ``top1`` over the control's on the same seeds, with an interval adjusted for all arms; none for
            the control.
        p: by arm, of the paired t test over seeds; NaN below three, and where all seeds gain the same.
        p_adjusted: the same after Holm.
        per_seed: by measure and arm, a value per seed.
        control: name of the arm that saw no teacher.
        classes: C; with two of them models that are both wrong agree, which narrows what is possible.
        n: test samples.
        seed: of the bootstrap.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
        study: that was measured, for a panel; not saved.
    """

    arms: tuple[str, ...]
    seeds: dict[str, list[int]]
    top1: dict[str, Interval]
    forward_kl: dict[str, Interval]
    accuracy: dict[str, Interval]
    phi: dict[str, Interval]
    teacher_accuracy: dict[str, float]
    gain: dict[str, Interval]
    p: dict[str, float]
    p_adjusted: dict[str, float]
    per_seed: dict[str, dict[str, list[float]]]
    control: str
    classes: int
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]
    study: Study | None = field(default=None, compare=False, repr=False)

    def save(self, path: str | Path) -> Path:
        """Write all numbers to one ``.npz`` file; the study has its own."""
        return replace(self, study=None).save(path) if self.study is not None else super().save(path)

    def rows(self) -> list[dict[str, Any]]:
        """A row per measure and arm."""
        found = [
            {"quantity": f"{name}, {arm}", "value": each.mean, "low": each.low, "high": each.high}
            for name in (*MEASURES, "gain")
            for arm, each in getattr(self, name).items()
        ]
        return super().rows() + found + [{"quantity": f"p (Holm), {a}", "value": p} for a, p in self.p_adjusted.items()]

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        control, teacher = self.control.replace("_", " "), self.teacher_accuracy[self.control]
        parts = [
            f"{control[:1].upper()}{control[1:]}, trained without the teacher (accuracy {percent(teacher)}), agrees with it "
            f"on {percent(self.top1[self.control].mean)} of {plural(self.n, 'sample')}."
        ]
        arms = len(self.gain)
        for arm, gain in self.gain.items():
            adjusted = f", adjusted for {plural(arms, 'arm')}" if arms > 1 and np.isfinite(gain.low) else ""
            unclear = (
                ", which these seeds cannot tell from none" if np.isfinite(gain.low) and not gain.excludes(0) else ""
            )
            parts.append(
                f"{arm.replace('_', ' ')} agrees on {percent(self.top1[arm].mean)}, {points(gain.mean)} points relative to it "
                f"({bounds(gain, points)}{adjusted}){unclear}; phi {number(self.phi[arm].mean)} against "
                f"{number(self.phi[self.control].mean)}."
            )
        return " ".join(parts)


@checked_arguments
def study_agreement_of(
    study: Study, arms: Sequence[str] | None = None, *, seed: Seed = 0, tell: Tell | None = None
) -> StudyAgreement:
    """The agreement of every arm of a study with its teachers.

    Args:
        study: of a classification, that knows its store.
        arms: besides the control; all if None.
        seed: of the bootstrap.
        tell: called with the share done in [0, 1] and a message.

    Raises:
        KeyError: no such arm.
        ValueError: an arm has no finished seed, or its runs have no teacher on the same classes.
    """
    wanted = [study.control, *(arm for arm in (study.arms if arms is None else arms) if arm != study.control)]
    tell, found = tell or (lambda share, words: None), {}
    for done, arm in enumerate(wanted):
        tell(done / len(wanted), arm)
        found[arm] = _measured(study, arm, seed)
    gained = {arm: _gains(found[arm], found[study.control]) for arm in wanted[1:]}
    tested = adjusted_intervals({arm: values for arm, values in gained.items() if len(values)}, bounds=(0.0, 1.0))
    gains = {arm: tested.get(arm, UNKNOWN) for arm in gained}
    fewest = min(len(each["seeds"]) for each in found.values())
    few = (f"only {plural(fewest, 'seed')} in an arm: no interval below {FEWEST}",) if fewest < FEWEST else ()
    return StudyAgreement(
        arms=tuple(wanted),
        seeds={arm: each["seeds"] for arm, each in found.items()},
        **{name: {arm: each[name] for arm, each in found.items()} for name in MEASURES},
        teacher_accuracy={arm: each["teacher"] for arm, each in found.items()},
        gain={arm: each.interval for arm, each in gains.items()},
        p={arm: each.p for arm, each in gains.items()},
        p_adjusted={arm: each.p_adjusted for arm, each in gains.items()},
        per_seed={name: {arm: each["per_seed"][name] for arm, each in found.items()} for name in MEASURES},
        control=study.control,
        classes=found[study.control]["classes"],
        n=len(found[study.control]["hits"][0]),
        seed=seed,
        warnings=few,
        provenance=dict(PROVENANCE),
        study=study,
    )


def _measured(study: Study, arm: str, seed: int) -> dict[str, Any]:
    """Per-sample hits of every seed of an arm, and the measures over them."""
    seeds, tables, picks, known = [], [], [], []
    for seed_of_run, run in runs_of(study, arm):
        pair = pair_of(run)
        student, teacher = paired_logits(pair.student, pair.teacher)
        labels, said, taught = classes_of(pair.labels, student), student.argmax(axis=1), teacher.argmax(axis=1)
        tables.append(np.stack([said == taught, forward_kl(student, teacher), said == labels], axis=1))
        picks.append(Picks(said, taught, labels, student.shape[1]))
        known.append(float((taught == labels).mean()))
        seeds.append(seed_of_run)
    if not seeds:
        raise ValueError(f"arm {arm!r} has no finished seed")
    table = np.stack(tables)
    n = table.shape[1]
    by_seed = [*table.mean(axis=1).T, np.array([float(each.measures(np.ones((1, n)))[0, 1]) for each in picks])]
    phis = resampled(n, lambda counts: np.mean([each.measures(counts)[:, 1] for each in picks], axis=0), seed=seed)
    drawn = [*bootstrap_means(table.mean(axis=0), seed=seed).T, phis]
    measured = {
        name: crossed_interval(float(values.mean()), values, draws, n).clipped(*limits)
        for (name, limits), values, draws in zip(LIMITS.items(), by_seed, drawn, strict=True)
    }
    per_seed = {name: values.tolist() for name, values in zip(MEASURES, by_seed, strict=True)}
    about = {"seeds": seeds, "hits": table[:, :, 0], "teacher": float(np.mean(known)), "classes": picks[0].classes}
    return {**about, "per_seed": per_seed, **measured}


def _gains(arm: dict[str, Any], control: dict[str, Any]) -> np.ndarray:
    """(S,) agreement above the control's, for the seeds that both have."""
    mine, other = (dict(zip(each["seeds"], each["per_seed"]["top1"], strict=True)) for each in (arm, control))
    both = [seed for seed in mine if seed in other]
    return differences([mine[s] for s in both], [other[s] for s in both]) if both else np.zeros(0)
