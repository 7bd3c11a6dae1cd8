"""Logit standardisation helps plain KD most where the student cannot reach the scale of its teacher's logits.

METHODS of record, shape (vi): in the tables of Sun et al. 2024 the gain of KD + logit standardisation over KD is largest
for the narrowest student. The hypothesis is that it follows the ratio of the logits' scales. Here teachers trained for
different times (which sets the scale of their logits) teach students of different widths; for each pair the ratio of the
scales is measured on plain KD students, and the gain of standardising over seeds.

Departs: digits and small nets instead of CIFAR-100; few labels, so that there is room to gain; 3 x 3 pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from workbench.engine.store import open_store
from workbench.engine.study.study import study
from workbench.findings.paired import Tell, gain
from workbench.maths.intervals import mean_interval
from workbench.methods.catalog import make
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.records.finding import Finding, outcome_of
from workbench.records.study import Study
from workbench.settings.digits import CLIP, Digits
from workbench.settings.setting import Recipe, Setting

CLAIM = (
    "Over teacher-student pairs, the gain of KD with logit standardisation over KD rises with the ratio of the teacher's "
    "logit scale to the student's: their rank correlation is above 0."
)
SOURCE = "Sun et al., CVPR 2024 (arXiv:2403.01427), CIFAR-100 tables; the link to the ratio is a hypothesis of ours"
LABELS, TRANSFER = 60, 600
TEACHER_EPOCHS, STUDENT_WIDTHS = (4, 20, 100), (4, 16, 64)
STUDENT_BUDGET = Budget(epochs=30, clip=CLIP)
SCALED = "logit_standardization"


def find(seeds: Sequence[int], tell: Tell | None = None) -> Finding:
    """Run every pair over the seeds; ``tell(share, message)`` is called as work proceeds."""
    tell = tell or (lambda share, words: None)
    pairs, ratios, natural, gains = list(_pairs()), [], [], []
    for done, (words, setting) in enumerate(pairs):
        tell(done / len(pairs), words)
        found = study(setting, [make("kd"), make(SCALED)], seeds, quick=True)
        ratios.append([_ratio(found, "kd", seed) for seed in seeds])
        natural.append([_ratio(found, "labels_only", seed) for seed in seeds])
        gains.append(gain(found, SCALED, "kd"))
    narrow = [gained for (words, _), gained in zip(pairs, gains, strict=True) if words.endswith("width 4")]
    numbers = {
        "rank correlation of ratio and gain": _rank_correlations(np.array(ratios), np.array(gains)),
        "the same with students trained on labels only": _rank_correlations(np.array(natural), np.array(gains)),
        "gain over all pairs (points)": np.mean(gains, axis=0),
        "gain of the narrowest student (points)": np.mean(narrow, axis=0),
    }
    intervals = {name: mean_interval(values) for name, values in numbers.items()}
    first, second, over_all, narrowest = intervals.values()
    return Finding(
        name="logit_scale",
        claim=CLAIM,
        source=SOURCE,
        outcome=outcome_of(first),
        reading=(
            f"Plain KD students come close to the scale of their teacher: the ratios run from {_ends(ratios)}; those of "
            f"students on labels only from {_ends(natural)}, and their correlation with the gain is {second}. "
            f"Standardised minus plain KD: {over_all.mean:+.2f} points over all pairs, {narrowest.mean:+.2f} for the narrowest."
        ),
        numbers=intervals,
        per_seed={name: tuple(map(float, values)) for name, values in numbers.items()},
        seeds=tuple(seeds),
        setting=f"digits, {LABELS} labels and {TRANSFER} further inputs; 3 teachers x 3 students",
        controls=("plain KD on the same pair at the same seed and budget",),
        notes=(
            "Scale: standard deviation over the classes of a sample's logits; the median over test samples of the ratio.",
            "Nine pairs per seed: a rank correlation of nine points is coarse, so the interval over seeds is wide.",
        ),
    )


def _pairs() -> Iterator[tuple[str, Setting]]:
    for epochs in TEACHER_EPOCHS:
        for width in STUDENT_WIDTHS:
            setting = Digits(student_labels=LABELS, transfer_inputs=TRANSFER)
            setting.name = "digits_pair"
            setting.teacher = Recipe(partial(MLP, 64, (512, 512), 10), replace(setting.teacher.budget, epochs=epochs))
            setting.student, setting.budget = partial(MLP, 64, (width,), 10), STUDENT_BUDGET
            yield f"teacher of {epochs} epochs, width {width}", setting


def _ratio(found: Study, arm: str, seed: int) -> float:
    run = open_store().load(next(o.run for o in found.arms[arm].outcomes if o.seed == seed), models=False)
    return float(np.median(run.predictions["teacher"].std(axis=1) / run.predictions["student"].std(axis=1)))


def _rank_correlations(ratios: np.ndarray, gains: np.ndarray) -> list[float]:
    """Of (pairs, seeds) twice, one for each seed."""
    from scipy.stats import spearmanr

    return [float(spearmanr(ratios[:, k], gains[:, k]).statistic) for k in range(ratios.shape[1])]


def _ends(ratios: Sequence[Sequence[float]]) -> str:
    means = np.mean(ratios, axis=1)
    return f"{means.min():.2g} to {means.max():.2g}"
