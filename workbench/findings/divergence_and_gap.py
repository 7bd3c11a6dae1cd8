"""Does the divergence of a student from its teacher go with the excess of its generalization gap?

The theory of Li and He bounds the student's gap by the teacher's plus a term that grows with the divergence of the two;
no experiment was readable. A bound can hold and say nothing, so what is tried is whether the two move together: over a
sweep of temperature, weight of the soft term, width of the student and number of labels, one factor at a time.

Departs: the divergence is that of the probabilities of one student and one teacher on test samples: the distance of two
nets, not of their distributions over seeds. It lies on no certain side of the paper's; below 0 it counts as 0 in the bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from workbench.diagnostics.divergence_sweep.measure import DivergenceSweep, divergence_sweep, point
from workbench.engine.conditions import Conditions
from workbench.engine.distill import collect, distill
from workbench.maths.intervals import mean_interval
from workbench.methods.logits.kd import KD
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.records.finding import Finding, outcome_of
from workbench.settings.digits import CLIP, Digits
from workbench.settings.setting import Recipe, Setting

Tell = Callable[[float, str], object]
CLAIM = (
    "Over a sweep of temperature, soft weight, width and labels the divergence of a student's probabilities from its "
    "teacher's correlates positively with how much larger its generalization gap (Brier score) is than its teacher's."
)
SOURCE = (
    "Li & He, On the Generalization of KD: An Information-Theoretic View, 2026 (arXiv:2605.13143), the upper bound; a "
    "reconstruction, not the paper's theorem"
)
BASE = {"temperature": 4.0, "soft_weight": 0.9, "width": 32, "labels": 200}
SWEEP: dict[str, tuple[float, ...]] = {
    "temperature": (1.0, 2.0, 8.0),
    "soft_weight": (0.1, 0.5, 1.0),
    "width": (4, 8, 128),
    "labels": (60, 500, 1400),
}
STEPS = 600


def find(seeds: Sequence[int], tell: Tell | None = None) -> Finding:
    """Run the sweep at every seed; ``tell(share, message)`` is called as work proceeds."""
    found = sweep(seeds, tell)
    means = [each.mean(0) for each in (found.divergences, found.differences)]
    numbers = {"rank correlation over the sweep": found.by_seed}
    for factor in SWEEP:
        chosen = [k for k, name in enumerate(found.factors) if name in (factor, "base")]
        part = [each[:, chosen] for each in (found.divergences, found.differences)]
        numbers[f"rank correlation, {factor.replace('_', ' ')} alone"] = divergence_sweep(
            *part, [found.points[k] for k in chosen]
        ).by_seed
    numbers["share of points within the bound"] = (
        found.differences <= np.sqrt(2 * np.maximum(found.divergences, 0))
    ).mean(1)
    steepest = found.points[int(means[0].argmax())]
    return Finding(
        name="divergence_and_gap",
        claim=CLAIM,
        source=SOURCE,
        outcome=outcome_of(found.spearman),
        reading=(
            f"Over {len(found.points)} points the rank correlation is {found.spearman.mean:+.2f}; the largest divergence, "
            f"{means[0].max():.3g} nats, is at {steepest}, where the student's gap minus its "
            f"teacher's is {means[1][int(means[0].argmax())]:+.3f}. The bound, with this estimate, holds at {found.within:.0%} of them."
        ),
        numbers={name: mean_interval(values) for name, values in numbers.items()},
        per_seed={name: tuple(map(float, values)) for name, values in numbers.items()},
        seeds=tuple(seeds),
        setting="digits; MLP 64-128-10 teaches 64-w-10 by KD at an equal number of steps; one factor moved at a time",
        controls=("each factor alone, since a correlation over all of them may be the work of one",),
        notes=(
            "Reconstruction; not the paper's theorem.",
            "The divergence of one pair's probabilities lies on no certain side of the paper's.",
            "One teacher per seed and number of labels, taught by all other labels.",
        ),
    )


def sweep(seeds: Sequence[int], tell: Tell | None = None) -> DivergenceSweep:
    """Divergence and excess of the gap at every point, seed by seed."""
    points = [("base", BASE)]
    points += [(factor, {**BASE, factor: value}) for factor, values in SWEEP.items() for value in values]
    tell, rows = tell or (lambda share, words: None), []
    for position, seed in enumerate(seeds):
        row = []
        for number, (factor, values) in enumerate(points):
            tell((position + number / len(points)) / len(seeds), f"seed {seed}, {_name(factor, values)}")
            row.append(_point(seed, values))
        rows.append(row)
    k, gaps = np.moveaxis(np.array(rows), 2, 0)
    names = [_name(factor, values) for factor, values in points]
    return divergence_sweep(k, gaps, names, factors=[factor for factor, _ in points], seeds=seeds)


def _name(factor: str, values: dict[str, float]) -> str:
    return "base" if factor == "base" else f"{factor.replace('_', ' ')} {values[factor]:g}"


def _point(seed: int, values: dict[str, float]) -> tuple[float, float]:
    setting, soft = _setting(int(values["labels"]), int(values["width"])), values["soft_weight"]
    method = KD(temperature=values["temperature"], soft_weight=soft, label_weight=round(1 - soft, 10))
    run = collect(distill(setting, method, seed=seed, conditions=Conditions(teacher_seed=seed)))
    return point(run, setting)


def _setting(labels: int, width: int) -> Setting:
    """As many steps for few labels as for many."""
    setting = Digits(student_labels=labels)
    setting.name = f"digits_{labels}_{width}"
    setting.teacher = Recipe(partial(MLP, 64, (128,), 10), Budget(epochs=20, clip=CLIP))
    setting.student = partial(MLP, 64, (width,), 10)
    per_epoch = max(1, len(setting.train) // 64)
    setting.budget = Budget(epochs=max(1, STEPS // per_epoch), clip=CLIP)
    return setting
