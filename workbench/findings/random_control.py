"""A distilled student takes over its teacher's errors more readily than its knowledge.

Mason-Williams et al. 2025: against an independent student and against random control distillation, the share of the
teacher's errors that a distilled student repeats grows more than the share of its right answers. Here a student with the
net of its teacher is distilled on the samples both have labels for, beside the same student on labels only (independent)
and one distilled from an untrained net (random control). They are compared on the test samples where the teacher is wrong
and where it is right. A student of permuted answers is reported, too, but decides nothing: with nine tenths of the loss
on wrong answers it hardly learns.

Departs: digits and MLPs instead of CIFAR-10, SVHN and speech; few labels, so that a teacher of this size errs at all; one
untrained net for all seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from workbench.data.split import stratified
from workbench.data.transfer import TransferSet
from workbench.diagnostics.inherited_errors.measure import asymmetry
from workbench.engine.store import open_store
from workbench.engine.study.study import study
from workbench.findings.paired import Tell
from workbench.maths.intervals import mean_interval
from workbench.methods.logits.kd import KD
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.records.finding import Finding, all_of, outcome_of
from workbench.records.run import Run
from workbench.records.study import Study
from workbench.settings.digits import CLIP, load
from workbench.settings.setting import Recipe, Setting

CLAIM = (
    "A KD student repeats its teacher's errors more often than an independent student and than one of a random control, "
    "and over the independent one its agreement grows more where the teacher is wrong than where it is right."
)
SOURCE = "Mason-Williams et al. (arXiv:2510.12615), functional transfer and its asymmetry over controls"
TEST_SHARE, WIDTH = 0.8, 32
BUDGET = Budget(epochs=60, batch_size=32, clip=CLIP)
GAINS = ("gain where the teacher is wrong", "gain where the teacher is right", "asymmetry")
CONTROLS = ("independent", "random control", "permuted answers")


def find(seeds: Sequence[int], tell: Tell | None = None) -> Finding:
    """Run the arms, one teacher per seed; ``tell(share, message)`` is called as work proceeds."""
    tell = tell or (lambda share, words: None)
    taught = study(
        _setting(), [KD()], seeds, teachers=len(seeds), progress=lambda k, of, what: tell(0.8 * k / of, what)
    )
    tell(0.8, "an untrained teacher")
    random = study(_setting(_untrained()), [KD()], seeds, quick=True)
    numbers: dict[str, list[float]] = {}
    for seed in seeds:
        runs = {
            "KD": _run(taught, "method", seed),
            "independent": _run(taught, "control", seed),
            "random control": _run(random, "method", seed),
            "permuted answers": _run(taught, "permuted_targets", seed),
        }
        for name, value in _measured(runs).items():
            numbers.setdefault(f"{name} (points)", []).append(100 * value)
    return _finding(numbers, seeds)


def _finding(numbers: dict[str, list[float]], seeds: Sequence[int]) -> Finding:
    intervals = {name: mean_interval(values) for name, values in numbers.items()}
    wrong, right, apart = (intervals[f"{what} over independent (points)"] for what in GAINS)
    random = intervals[f"{GAINS[0]} over random control (points)"]
    follows = {
        name: intervals[f"{name} follows where the teacher is wrong (points)"].mean for name in ("KD", *CONTROLS)
    }
    return Finding(
        name="random_control",
        claim=CLAIM,
        source=SOURCE,
        outcome=all_of(outcome_of(wrong), outcome_of(random), outcome_of(apart)),
        reading=(
            f"Where the teacher is wrong, the KD student says the same in {follows['KD']:.1f} % of the cases, the "
            f"independent one, which saw the same labels, in {follows['independent']:.1f} % and the random control in "
            f"{follows['random control']:.1f} %. KD minus independent student: {wrong.mean:+.1f} points of agreement "
            f"there and {right.mean:+.1f} where the teacher is right; the difference of the two, the asymmetry, is {apart} "
            "points."
        ),
        numbers=intervals,
        per_seed={name: tuple(values) for name, values in numbers.items()},
        seeds=tuple(seeds),
        setting=f"digits, a fifth to train on and four fifths to test; MLP 64-{WIDTH}-10 teaches its like",
        controls=("the same student on labels only", "KD from an untrained net", "KD from answers to other samples"),
        notes=(
            "Where the teacher is right, an independent student agrees nearly always: there is little room to gain, which "
            "favours the asymmetry.",
            "The students of both random controls are much less accurate than the others, so that they follow any teacher "
            "less; of the comparisons only that with the independent student is between equals.",
            "Teacher and students learn the same samples, so they err alike without any distillation.",
        ),
    )


def _setting(teacher: Any = None) -> Setting:
    inputs, labels = load()
    train, test = stratified(labels, TEST_SHARE)
    net = partial(MLP, 64, (WIDTH,), 10)
    return Setting(
        train=TransferSet(inputs[train], labels[train], ids=train),
        test=TransferSet(inputs[test], labels[test], ids=test),
        teacher=Recipe(net, BUDGET) if teacher is None else teacher,
        student=net,
        name="digits_fifth",
        budget=BUDGET,
        look="image",
        threads=1,
    )


def _untrained() -> MLP:
    """A net that has learnt nothing; the same one every time."""
    import torch

    with torch.random.fork_rng(devices=()):
        torch.manual_seed(1)
        return MLP(64, (WIDTH,), 10)


def _measured(runs: dict[str, Run]) -> dict[str, float]:
    """Shares of agreement with the teacher and what KD adds to them, for one seed."""
    teacher, labels = runs["KD"].predictions["teacher"].argmax(axis=1), runs["KD"].test_labels
    wrong = teacher != labels
    where = np.array([wrong.mean(), (~wrong).mean()])
    same = {name: run.predictions["student"].argmax(axis=1) == teacher for name, run in runs.items()}
    means = {name: np.array([(hits & wrong).mean(), (hits & ~wrong).mean()]) for name, hits in same.items()}
    numbers = {"teacher's errors": float(wrong.mean())}
    for name, mean in means.items():
        for place, words in enumerate(("wrong", "right")):
            numbers[f"{name} follows where the teacher is {words}"] = float((mean / where)[place])
    for name in CONTROLS:
        gains = asymmetry(means["KD"], means[name], where)
        numbers |= {f"{what} over {name}": float(gain) for what, gain in zip(GAINS, gains, strict=True)}
    return numbers


def _run(found: Study, role: str, seed: int) -> Run:
    arm = next(arm for arm in found.arms.values() if arm.role == role)
    return open_store().load(next(o.run for o in arm.outcomes if o.seed == seed), models=False)
