"""What a student's rank costs: the tail of its teacher's spectrum, in closed form and for students that were trained.

Li and He's linear Gaussian case makes the divergence of bias, variance and rank-bottleneck costs; their formula was not
readable, so what is tried is the reconstruction: the bottleneck is half the sum of the squared singular values of the
teacher's (whitened) predictions beyond the student's rank, and no student of that rank pays less.

Two trials. In the linear-Gaussian laboratory, of what does the fall of the divergence from rank 1 to full rank consist?
And a linear net taught on digits by labels teaches linear nets with a waist of r units by regression on its logits: how
far are these from it on the training inputs, against the tail of its centred logits?

Departs: everything, since the paper shows no experiment; the trained nets have one noise level (no whitening).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from torch import nn

from workbench.diagnostics.bundle import bundle_of
from workbench.diagnostics.linear_gaussian.measure import linear_gaussian
from workbench.engine.conditions import Conditions
from workbench.engine.distill import collect, distill
from workbench.maths.intervals import mean_interval
from workbench.methods.catalog import make
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.records.finding import Finding, all_of, outcome_of
from workbench.settings.digits import Digits
from workbench.settings.setting import Recipe, Setting

Tell = Callable[[float, str], object]
CLAIM = (
    "Four fifths and more of what a higher rank saves in the linear-Gaussian laboratory is the bottleneck, and trained "
    "linear students of rank 1, 2, 4 and 8 are as far from a linear teacher as the tail of its spectrum says, to ten per cent."
)
SOURCE = (
    "Li & He, On the Generalization of KD: An Information-Theoretic View, 2026 (arXiv:2605.13143), the linear Gaussian "
    "case; a reconstruction, not the paper's theorem"
)
SHARE, NEAR = 0.8, 0.1
RANKS = (1, 2, 4, 8)
BUDGET = Budget(epochs=60, optimizer="adam", learning_rate=0.01, weight_decay=0.0)


def find(seeds: Sequence[int], tell: Tell | None = None) -> Finding:
    """Open a laboratory and train the students for each seed; ``tell(share, message)`` is called as work proceeds."""
    tell = tell or (lambda share, words: None)
    ratios = np.empty((len(seeds), len(RANKS)))
    for row, seed in enumerate(seeds):
        for column, rank in enumerate(RANKS):
            tell((row + column / len(RANKS)) / len(seeds), f"seed {seed}, rank {rank}")
            ratios[row, column] = _ratio(seed, rank)
    shares = np.array([_share(seed) for seed in seeds])
    worst = np.abs(ratios - 1).max(axis=1)
    numbers = {"share of the fall that is bottleneck, laboratory": shares, "largest departure from the tail": worst}
    numbers |= {f"distance over tail, rank {rank}": ratios[:, column] for column, rank in enumerate(RANKS)}
    share, away = (mean_interval(values) for values in (shares, worst))
    return Finding(
        name="rank_bottleneck",
        claim=CLAIM,
        source=SOURCE,
        outcome=all_of(outcome_of(share, SHARE), outcome_of(mean_interval(NEAR - worst))),
        reading=(
            f"In the laboratory {share.mean:.0%} of the fall from rank 1 to full rank is bottleneck. Trained students are "
            f"off the tail by {away.mean:.1%} at the worst of their ranks."
        ),
        numbers={name: mean_interval(values) for name, values in numbers.items()},
        per_seed={name: tuple(map(float, values)) for name, values in numbers.items()},
        seeds=tuple(seeds),
        setting=f"linear-Gaussian laboratory; digits, linear teacher 64-10, students 64-r-10 with r in {RANKS}",
        controls=("the least any student of that rank can pay (Eckart-Young), which no distance falls below",),
        notes=("Reconstruction; not the paper's theorem.", "A world, a teacher and an initialisation per seed."),
    )


def _share(seed: int) -> float:
    """Of what the student saves from rank 1 to full rank, in one world: the share of the bottleneck."""
    found = linear_gaussian(along="rank", seed=seed)
    parts = [getattr(found, name).mean(1) for name in ("bias", "bottleneck", "misalignment", "variance")]
    fall = [part[0] - part[-1] for part in parts]
    return float(fall[1] / sum(fall))


def _ratio(seed: int, rank: int) -> float:
    """Squared distance of a trained student's logits from its teacher's, over the tail of the spectrum."""
    setting = _setting(rank)
    run = collect(distill(setting, make("logit_regression"), seed=seed, conditions=Conditions(teacher_seed=seed)))
    answers = bundle_of(run.revive(setting).models, setting.train).logits
    teacher, student = (answers[party].astype(np.float64) for party in ("teacher", "student"))
    tail = np.square(np.linalg.svd(teacher - teacher.mean(0), compute_uv=False)[rank:]).sum()
    return float(np.square(student - teacher).sum() / tail)


def _setting(rank: int) -> Setting:
    setting = Digits()
    setting.name = f"digits_rank_{rank}"
    setting.teacher = Recipe(partial(MLP, 64, (), 10), Budget(epochs=20))
    setting.student, setting.budget = partial(_waist, rank), BUDGET
    return setting


def _waist(rank: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, rank, bias=False), nn.Linear(rank, 10))
