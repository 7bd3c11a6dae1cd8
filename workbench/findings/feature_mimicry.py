"""Mimicking a teacher's features can make a student of another architecture worse than labels alone.

METHODS of record, shape (ii): with MobileNetV2 as the student of a VGG-13 or a ResNet-50, attention transfer (59.40 and
58.58), factor transfer, FitNets and RKD end below the student trained on labels only (64.60), while KD is above it (Tian et
al. 2020). Here a convolutional net teaches a quarter-width MobileNetV2 (the mismatched pair) and a small net of its own
kind (the matched pair), with every method at its published weight; teacher and students have the same labels.

Departs: digits of 8 x 8 pixels instead of CIFAR-100, 300 labels, a shorter schedule; last epoch, not the best on test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from torch import nn

from workbench.engine.study.study import study
from workbench.findings.paired import Tell, gain
from workbench.maths.intervals import mean_interval
from workbench.methods.catalog import make
from workbench.models.convnet import ConvNet
from workbench.models.mobilenet_v2 import MobileNetV2
from workbench.records.budget import Budget
from workbench.records.finding import Finding, outcome_of
from workbench.settings.digits import CLIP, Digits
from workbench.settings.setting import Recipe, Setting

CLAIM = (
    "In a pair of different architectures, students that mimic features or relations (attention transfer, factor "
    "transfer, FitNets, RKD, at published weights) end below the student trained on labels only, on average."
)
SOURCE = "Tian et al., ICLR 2020 (arXiv:1910.10699), CIFAR-100 pairs VGG13 and ResNet50 to MobileNetV2"
MIMICS = ("attention_transfer", "factor_transfer", "fitnets", "rkd")
LABELS, BUDGET = 300, Budget(epochs=60, clip=CLIP)
TEACHER: Callable[[], nn.Module] = partial(ConvNet, 1, (32, 64, 128), 10)
STUDENTS: dict[str, Callable[[], nn.Module]] = {
    "mismatched": partial(MobileNetV2, 0.25, 10, 1),
    "matched": partial(ConvNet, 1, (8, 16, 32), 10),
}


def find(seeds: Sequence[int], tell: Tell | None = None) -> Finding:
    """Run both pairs over the seeds; ``tell(share, message)`` is called as work proceeds."""
    tell, numbers = tell or (lambda share, words: None), {}
    for done, pair in enumerate(STUDENTS):
        tell(done / len(STUDENTS), f"{pair} pair")
        found = study(_setting(pair), [make(name) for name in ("kd", *MIMICS)], seeds, quick=True)
        numbers[f"mimics over labels only, {pair} pair (points)"] = np.mean([gain(found, m) for m in MIMICS], axis=0)
        numbers |= {f"{name} over labels only, {pair} pair (points)": gain(found, name) for name in ("kd", *MIMICS)}
    intervals = {name: mean_interval(values) for name, values in numbers.items()}
    below = [name for name in MIMICS if intervals[f"{name} over labels only, mismatched pair (points)"].high < 0]
    first = numbers["mimics over labels only, mismatched pair (points)"]
    return Finding(
        name="feature_mimicry",
        claim=CLAIM,
        source=SOURCE,
        outcome=outcome_of(mean_interval(-first)),
        reading=(
            f"In the mismatched pair {', '.join(below).replace('_', ' ') or 'none of them'} ended below labels only with "
            f"an interval that excludes 0; the mimics together by {first.mean():+.2f} points, KD by "
            f"{intervals['kd over labels only, mismatched pair (points)'].mean:+.2f}. In the matched pair the mimics "
            f"together by {intervals['mimics over labels only, matched pair (points)'].mean:+.2f}."
        ),
        numbers=intervals,
        per_seed={name: tuple(map(float, values)) for name, values in numbers.items()},
        seeds=tuple(seeds),
        setting=f"digits, the same {LABELS} labels for teacher and student",
        controls=("labels only at the same seed and budget", "the same methods in a pair of one architecture"),
        notes=("Published weights were tuned on CIFAR-sized maps; on maps of 2 to 8 pixels they weigh differently.",),
    )


def _setting(pair: str) -> Setting:
    setting = Digits(student_labels=LABELS, teacher_labels="few")
    setting.name = f"digits_{pair}_pair"
    setting.teacher = Recipe(TEACHER, Budget(epochs=BUDGET.epochs, clip=CLIP))
    setting.student, setting.budget = STUDENTS[pair], BUDGET
    return setting
