"""A student taught by its own confusions does as well as one of smoothed labels, and better than one of plain labels.

Kang and Kim 2026, table 2: confusion distillation is about one point better than training on labels (CIFAR-100), and is
said to be so because the confusions carry dark knowledge. When its soft labels are first used they are still nine tenths
label smoothing, which is therefore a control here, and so is the same method with its confusions shuffled within each row
(as much probability on wrong classes, on the wrong ones).

Departs: digits and a narrow MLP; confusions of validation samples, where the release counts test samples, labels included;
last-epoch accuracy, where the release keeps the best epoch on the test set.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from workbench.engine.study.study import study
from workbench.findings.paired import Tell, gain
from workbench.maths.intervals import mean_interval
from workbench.methods.catalog import make
from workbench.methods.selftaught.confusion_distillation import ConfusionDistillation
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.records.finding import Finding, Outcome, all_of, outcome_of
from workbench.records.interval import Interval
from workbench.settings.digits import CLIP, Digits
from workbench.settings.setting import Setting

CLAIM = (
    "Confusion distillation is at most half a point worse than labels only, and within half a point of label smoothing."
)
SOURCE = "Kang and Kim, ICPR 2026 (arXiv:2606.03052), table 2; equality with label smoothing is a hypothesis of ours"
MARGIN = 0.5
STUDENT, BUDGET = (8,), Budget(epochs=60, clip=CLIP)
ARMS = ("confusion_distillation", "label_smoothing", "ShuffledConfusion")


class ShuffledConfusion(ConfusionDistillation):
    """The same with every row's wrong classes exchanged among themselves, one fixed exchange per row."""

    def after_epoch(self, student: nn.Module, confusion: Tensor | None) -> None:
        """Shuffles what was counted before it is averaged."""
        super().after_epoch(student, None if confusion is None else shuffled(confusion))


def find(seeds: Sequence[int], tell: Tell | None = None) -> Finding:
    """Run all arms over the seeds; ``tell(share, message)`` is called as work proceeds."""
    tell = tell or (lambda share, words: None)
    found = study(
        _setting(),
        [make("confusion_distillation"), make("label_smoothing"), ShuffledConfusion()],
        seeds,
        quick=True,
        progress=lambda done, of, words: tell(done / of, words),
    )
    confusions, smoothed, mixed = (gain(found, arm) for arm in ARMS)
    numbers = {
        "confusion distillation over labels only (points)": confusions,
        "confusion distillation over label smoothing (points)": confusions - smoothed,
        "confusion distillation over shuffled confusions (points)": confusions - mixed,
        "label smoothing over labels only (points)": smoothed,
        "shuffled confusions over labels only (points)": mixed,
    }
    intervals = {name: mean_interval(values) for name, values in numbers.items()}
    better, alike, *_ = intervals.values()
    return Finding(
        name="confusion_distillation",
        claim=CLAIM,
        source=SOURCE,
        outcome=all_of(outcome_of(better, -MARGIN), _within(alike)),
        reading="; ".join(f"{name}: {interval}" for name, interval in list(intervals.items())[:3]) + ".",
        numbers=intervals,
        per_seed={name: tuple(map(float, values)) for name, values in numbers.items()},
        seeds=tuple(seeds),
        setting=f"digits, all labels; MLP 64-{STUDENT[0]}-10, {BUDGET.epochs} epochs",
        controls=("labels only", "label smoothing", "confusions shuffled within rows"),
        notes=(
            "Published on CIFAR-100, four nets: -0.3 to 1.0 points over the baseline at 200 epochs, 0.6 to 1.3 at 300 epochs "
            "against a baseline of 200.",
        ),
    )


def shuffled(confusion: Tensor) -> Tensor:
    """(C, C) with the entries off the diagonal exchanged within each row, the same way every time."""
    classes, found = len(confusion), confusion.clone()
    generator = torch.Generator().manual_seed(0)
    for row in range(classes):
        wrong = torch.tensor([k for k in range(classes) if k != row])
        found[row, wrong] = confusion[row, wrong[torch.randperm(classes - 1, generator=generator)]]
    return found


def _within(difference: Interval) -> Outcome:
    """Reproduced if it lies within the margin on both sides."""
    turned = Interval(-difference.mean, -difference.high, -difference.low, difference.n, difference.method)
    return all_of(outcome_of(difference, -MARGIN), outcome_of(turned, -MARGIN))


def _setting() -> Setting:
    setting = Digits()
    setting.name, setting.student, setting.budget = "digits_narrow", partial(MLP, 64, STUDENT, 10), BUDGET
    return setting
