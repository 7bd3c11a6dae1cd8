"""The classes a student mixes up are those its teacher finds alike: confusion resembles dark knowledge.

Kang and Kim 2026, section 4.1: without the diagonal, the row-normalised confusion of a ResNet-18 trained on labels
correlates with the mean soft labels of a ResNet-152 at 0.85 (cosine 0.76) on the test set of CIFAR-100.

Three things could give a correlation without any likeness of classes, and each has its number: a few large entries (errors
shuffled within each row), hard classes that are large in both tables (the mended form divides each row by its sum), and
odd samples that count in both tables (soft labels of one half of the test samples, errors of the other).

Departs: digits; the teacher knows 600 labels, its student 60 of them, so that there are errors to look at; 1,197 test
samples; every seed draws its own samples, teacher and student.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from workbench.data.split import stratified
from workbench.data.transfer import TransferSet
from workbench.diagnostics.confusion.measure import Confusion, confusion_of
from workbench.engine.study.study import study
from workbench.findings.paired import Tell
from workbench.maths.intervals import mean_interval
from workbench.methods.catalog import make
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.records.finding import Finding, all_of, outcome_of
from workbench.settings.digits import CLIP, load
from workbench.settings.setting import Recipe, Setting

CLAIM = (
    "Off the diagonal, the confusion of a student trained on labels only correlates with its teacher's mean soft labels "
    "above 0.6, and above errors shuffled within each row."
)
SOURCE = "Kang and Kim, ICPR 2026 (arXiv:2606.03052), section 4.1"
LEAST = 0.6
TEACHER_LABELS, STUDENT_LABELS = 600, 60
TEACHER_BUDGET, STUDENT_BUDGET = Budget(epochs=40, clip=CLIP), Budget(epochs=150, batch_size=16, clip=CLIP)
ARMS = ("labels_only", "kd")


def find(seeds: Sequence[int], tell: Tell | None = None) -> Finding:
    """Draw samples, train teacher and students, and compare, for each seed; ``tell(share, message)`` is called as work proceeds."""
    tell, rows = tell or (lambda share, words: None), []
    for done, seed in enumerate(seeds):
        tell(done / len(seeds), f"seed {seed}: teacher and students")
        found = study(_setting(seed), [make("kd")], [seed], quick=True)
        taught = found.run("kd", seed)
        forms = {arm: confusion_of(found.run(arm, seed), taught, mode="paper", seed=seed) for arm in ARMS}
        mended = confusion_of(found.run("labels_only", seed), taught, seed=seed)
        rows.append(_measured(forms["labels_only"], mended) | {"Pearson of a KD student": forms["kd"].pearson.mean})
    numbers = {name: [row[name] for row in rows] for name in rows[0]}
    intervals = {name: mean_interval(values) for name, values in numbers.items()}
    pearson, above = intervals["Pearson"], intervals["Pearson above 97.5 % of shuffles"]
    return Finding(
        name="confusion_resembles_dark_knowledge",
        claim=CLAIM,
        source=SOURCE,
        outcome=all_of(outcome_of(pearson, LEAST), outcome_of(above)),
        reading=(
            f"Pearson {pearson}, minus the 97.5 % quantile of its shuffles {above}; mended form {intervals['Pearson, mended form']}; with soft labels and errors of different "
            f"samples {intervals['Pearson on disjoint halves']}, where the reliability of both tables allows about "
            f"{intervals['reliability ceiling'].mean:.2f}. A KD student has {intervals['Pearson of a KD student']}."
        ),
        numbers=intervals,
        per_seed={name: tuple(map(float, values)) for name, values in numbers.items()},
        seeds=tuple(seeds),
        setting=f"digits, teacher of {TEACHER_LABELS} labels, student of {STUDENT_LABELS}; drawn anew for each seed",
        controls=("errors shuffled within each row", "disjoint halves of the test samples", "a KD student"),
        notes=("The test samples of different seeds overlap, so the seeds are not fully independent.",),
    )


def _setting(seed: int) -> Setting:
    inputs, labels = load()
    order = torch.as_tensor(np.random.default_rng(seed).permutation(len(labels)))
    pool, test = order[:TEACHER_LABELS], order[TEACHER_LABELS:]
    _, few = stratified(labels[pool], STUDENT_LABELS / TEACHER_LABELS)
    known = pool[few]
    teacher = Recipe(partial(MLP, 64, (512, 512), 10), TEACHER_BUDGET)
    return Setting(
        train=TransferSet(inputs[known], labels[known], ids=known),
        test=TransferSet(inputs[test], labels[test], ids=test),
        teacher=teacher,
        student=partial(MLP, 64, (32,), 10),
        name="digits_with_errors",
        teacher_train=TransferSet(inputs[pool], labels[pool], ids=pool),
        budget=STUDENT_BUDGET,
        look="image",
        threads=1,
    )


def _measured(found: Confusion, mended: Confusion) -> dict[str, float]:
    return {
        "Pearson": found.pearson.mean,
        "Pearson above 97.5 % of shuffles": found.pearson.mean - found.null["pearson"].high,
        "Pearson, mended form": mended.pearson.mean,
        "Pearson on disjoint halves": found.disjoint["pearson"],
        "reliability ceiling": found.ceiling["pearson"],
        "Spearman": found.spearman.mean,
        "cosine": found.cosine.mean,
        "soft IoU": found.soft_iou.mean,
        "errors": float(found.errors),
    }
