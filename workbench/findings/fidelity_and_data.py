"""More inputs to ask about make a student more faithful to its teacher, whatever they do for its accuracy.

Stanton et al. 2021, section 4 (self-distilled LeNet-5 on MNIST): a teacher that saw few images is distilled on sets of
growing size; the student's agreement with it rises while its accuracy need not, since what it becomes faithful to
includes the teacher's errors. Here a student with the net of its teacher asks it about more and more digits, with the
teacher's answers as its only targets and as many optimiser steps in every arm.

Departs: digits of 8 x 8 pixels and MLPs instead of MNIST and LeNet-5; transfer sets grow with digits the teacher never
saw instead of EMNIST letters; a single budget of steps instead of epochs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from workbench.diagnostics.agreement.measure_distances import forward_kl
from workbench.engine.store import open_store
from workbench.engine.study.study import study
from workbench.findings.paired import Tell
from workbench.maths.intervals import mean_interval
from workbench.methods.logits.kd import KD
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.records.finding import Finding, all_of, outcome_of
from workbench.records.run import Run
from workbench.settings.digits import CLIP, Digits
from workbench.settings.setting import Recipe, Setting

CLAIM = (
    "From the teacher's own inputs to the largest transfer set, a self-distilled student's agreement with its teacher on "
    "test samples rises by more than a point, and by more than its accuracy does."
)
SOURCE = "Stanton et al., NeurIPS 2021 (arXiv:2106.05945), section 4: MNIST with a LeNet-5, CIFAR-100 with ResNet-56"
MARGIN = 1.0
LABELS, FURTHER = 100, (0, 200, 500, 1200)
WIDTH, BATCH, STEPS = 32, 32, 3000
TEACHER = Budget(epochs=150, batch_size=16, clip=CLIP)


def find(seeds: Sequence[int], tell: Tell | None = None) -> Finding:
    """Distill on every size, one teacher per seed; ``tell(share, message)`` is called as work proceeds."""
    tell = tell or (lambda share, words: None)
    agreed, accurate, apart, taught = (np.empty((len(FURTHER), len(seeds))) for _ in range(4))
    for row, further in enumerate(FURTHER):
        tell(row / len(FURTHER), f"{LABELS + further} inputs")
        setting, method = _setting(further), KD(soft_weight=1.0, label_weight=0.0)
        found = study(setting, [method], seeds, quick=True, teachers=len(seeds))
        runs = {outcome.seed: open_store().load(outcome.run, models=False) for outcome in found.arms["kd"].outcomes}
        measured = [_measured(runs[seed]) for seed in seeds]
        agreed[row], accurate[row], apart[row], taught[row] = np.transpose(measured)
    return _finding(agreed, accurate, apart, taught[0], seeds)


def _finding(
    agreed: np.ndarray, accurate: np.ndarray, apart: np.ndarray, taught: np.ndarray, seeds: Sequence[int]
) -> Finding:
    """The outcome from (sizes, seeds) of each measure, and the teachers' accuracies (seeds,)."""
    numbers = _numbers(agreed, accurate, apart, taught)
    intervals = {name: mean_interval(values) for name, values in numbers.items()}
    rise, gained, beyond, nearer, *_ = intervals.values()
    return Finding(
        name="fidelity_and_data",
        claim=CLAIM,
        source=SOURCE,
        outcome=all_of(outcome_of(rise, MARGIN), outcome_of(beyond)),
        reading=(
            f"From {LABELS} inputs, which the teacher was trained on, to {LABELS + FURTHER[-1]}, agreement on test samples "
            f"changes by {rise.mean:+.2f} points, accuracy by {gained.mean:+.2f} and the divergence by {-nearer.mean:+.3g} "
            f"nats. They agree on {agreed[0].mean():.1f} % at first, which leaves {100 - agreed[0].mean():.1f} points to "
            f"gain, and on {agreed[-1].mean():.1f} % at the end, where the student is right on "
            f"{accurate[-1].mean():.1f} % and its teacher on {taught.mean():.1f} %."
        ),
        numbers=intervals,
        per_seed={name: tuple(map(float, values)) for name, values in numbers.items()},
        seeds=tuple(seeds),
        setting=f"digits, {LABELS} labels for the teacher; MLP 64-{WIDTH}-10 teaches its like, {STEPS} steps",
        controls=("the smallest transfer set at the same number of steps, teacher and initialisation",),
        notes=(
            "The student never sees a label: its targets are the teacher's answers at temperature 4.",
            "Of the labelled samples a tenth is the validation split, on which neither is trained.",
        ),
    )


def _numbers(agreed: np.ndarray, accurate: np.ndarray, apart: np.ndarray, taught: np.ndarray) -> dict[str, np.ndarray]:
    agreement, accuracy = (rows[-1] - rows[0] for rows in (agreed, accurate))
    numbers = {
        "agreement, most inputs minus fewest (points)": agreement,
        "accuracy, most inputs minus fewest (points)": accuracy,
        "rise of agreement minus rise of accuracy (points)": agreement - accuracy,
        "divergence, fewest inputs minus most (nats)": apart[0] - apart[-1],
        "teacher's accuracy (%)": taught,
    }
    for row, further in enumerate(FURTHER):
        numbers[f"agreement with {LABELS + further} inputs (%)"] = agreed[row]
        numbers[f"accuracy with {LABELS + further} inputs (%)"] = accurate[row]
    return numbers


def _setting(further: int) -> Setting:
    setting = Digits(student_labels=LABELS, transfer_inputs=further, teacher_labels="few")
    net = partial(MLP, 64, (WIDTH,), 10)
    setting.name = "digits_self"
    setting.teacher, setting.student = Recipe(net, TEACHER), net
    epochs = max(1, round(STEPS * BATCH / len(setting.train)))
    setting.budget = Budget(epochs=epochs, batch_size=BATCH, clip=CLIP)
    return setting


def _measured(run: Run) -> tuple[float, float, float, float]:
    """Agreement and accuracy in percent, the divergence, and the teacher's accuracy in percent."""
    student, teacher = run.predictions["student"], run.predictions["teacher"]
    said, known = student.argmax(axis=1), teacher.argmax(axis=1)
    hits = (said == known, said == run.test_labels, known == run.test_labels)
    agreed, accurate, taught = (100 * float(each.mean()) for each in hits)
    return agreed, accurate, float(forward_kl(student, teacher).mean()), taught
