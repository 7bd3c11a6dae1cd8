"""A larger, better teacher need not make a better student: the capacity gap.

METHODS of record, shape (v): with KD, ResNet-110 teaches ResNet-20 no better (70.67) than ResNet-56 does (70.66),
although it is two points better itself (Tian et al. 2020; the effect is named in Cho and Hariharan 2019 and Mirzadeh et
al. 2020). Here two teachers of different size, both trained on all labels, teach the same tiny student the same inputs.

Departs: digits and MLPs instead of CIFAR-100 and ResNets; the smaller teacher is one hidden layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from workbench.engine.study.study import study
from workbench.findings.paired import Tell, gain, scores
from workbench.maths.intervals import mean_interval
from workbench.methods.catalog import make
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.records.finding import Finding, all_of, outcome_of
from workbench.records.study import Study
from workbench.settings.digits import CLIP, Digits
from workbench.settings.setting import Recipe, Setting

CLAIM = (
    "A teacher that is at least half a point better because it is larger teaches a tiny student less than half a point "
    "better."
)
SOURCE = (
    "Tian et al., ICLR 2020 (arXiv:1910.10699), CIFAR-100 table: R110 and R56 teach R20; Mirzadeh et al., AAAI 2020"
)
MARGIN = 0.5
LABELS, TRANSFER, STUDENT = 60, 600, (8,)
TEACHERS = {"medium": (24,), "large": (512, 512)}
BUDGET = Budget(epochs=30, clip=CLIP)


def find(seeds: Sequence[int], tell: Tell | None = None) -> Finding:
    """Run both teachers, one of each size per seed, over the seeds; ``tell(share, message)`` is called as work proceeds."""
    tell = tell or (lambda share, words: None)
    found: dict[str, Study] = {}
    for done, size in enumerate(TEACHERS):
        tell(done / len(TEACHERS), f"{size} teacher")
        found[size] = study(_setting(size), [make("kd")], seeds, quick=True, teachers=len(seeds))
    teachers = {size: np.array([s.teachers[k] for k in range(len(seeds))]) for size, s in found.items()}
    numbers = {
        "large teacher over medium teacher (points)": teachers["large"] - teachers["medium"],
        "student of the large over student of the medium teacher (points)": (
            scores(found["large"], "kd") - scores(found["medium"], "kd")
        ),
        "gain over labels only, medium teacher (points)": gain(found["medium"], "kd"),
        "gain over labels only, large teacher (points)": gain(found["large"], "kd"),
    }
    better, taught = (mean_interval(values) for values in list(numbers.values())[:2])
    no_better = mean_interval(-np.asarray(list(numbers.values())[1]))
    return Finding(
        name="capacity_gap",
        claim=CLAIM,
        source=SOURCE,
        outcome=all_of(outcome_of(better, MARGIN), outcome_of(no_better, -MARGIN)),
        reading=(
            f"Large minus medium: the score of the teacher {better.mean:+.2f} points, that of its student "
            f"{taught.mean:+.2f} points."
        ),
        numbers={name: mean_interval(values) for name, values in numbers.items()},
        per_seed={name: tuple(map(float, values)) for name, values in numbers.items()},
        seeds=tuple(seeds),
        setting=f"digits, {LABELS} labels and {TRANSFER} further inputs; MLP teachers {TEACHERS}, student {STUDENT}",
        controls=("labels only at the same seed and budget",),
        notes=("One teacher of each size per seed, so the intervals also hold the teachers' luck.",),
    )


def _setting(size: str) -> Setting:
    setting = Digits(student_labels=LABELS, transfer_inputs=TRANSFER)
    setting.name = f"digits_{size}_teacher"
    setting.teacher = Recipe(partial(MLP, 64, TEACHERS[size], 10), setting.teacher.budget)
    setting.student, setting.budget = partial(MLP, 64, STUDENT, 10), BUDGET
    return setting
