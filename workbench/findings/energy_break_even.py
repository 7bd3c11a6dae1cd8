"""Distilling one student costs more than training it on labels; sharing what the teacher made pays the difference back.

After the energy accounting of distillation pipelines: three ways to a student (labels, cached logits, labels that the
teacher made up) at three sizes, all stopped by the same rule on validation. The teacher is given, as in the paper; its
outputs are made once and their energy is charged to one student, or shared.

Departs: digits and small nets instead of language models on an H100. A classifier answers in one pass, where a language
model writes a thousand tokens, so that its outputs cost next to nothing. It makes no inputs: the synthetic ones are
mixtures of two training images, labelled by its decision. Without sensors, energy is estimated; so the claim is asked
both of processor seconds and of counted operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from workbench.data.transfer import TransferSet
from workbench.diagnostics.break_even.measure import BreakEven, break_even
from workbench.diagnostics.break_even.measure_parts import Assumptions
from workbench.diagnostics.energy.measure import energy
from workbench.diagnostics.energy.measure_books import Book, book_of
from workbench.engine import distill as scoring
from workbench.engine import threads
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.distill import Distillation
from workbench.engine.ledger.spending import stage_of
from workbench.maths.intervals import mean_interval
from workbench.methods.catalog import make
from workbench.models.mlp import MLP
from workbench.records import events
from workbench.records.budget import Budget
from workbench.records.finding import Finding, all_of, outcome_of
from workbench.records.run import Run
from workbench.settings.digits import CLIP, Digits
from workbench.settings.setting import Setting

CLAIM = (
    "One student by cached-logit KD takes more energy than one trained on labels with the same stopping rule, the "
    "teacher's outputs included and its training not; its own training takes less, so that sharing the outputs pays; "
    "and processor seconds and operations put the three pipelines in the same order."
)
SOURCE = "End-to-End Energy Accounting of Distillation Pipelines, ICML 2026 (arXiv:2605.13981), stage table"
WIDTHS = (8, 32, 128)
BUDGET = Budget(epochs=120, schedule="constant", clip=CLIP)
LEAST_GAIN, PATIENCE = 0.2, 8
"""Points of validation accuracy that count as progress, and the epochs without any after which a run stops."""

PIPELINES = {"labels": "labels_only", "cached_logits": "kd", "synthetic_labels": "label_only"}
MODELS = ("cpu_time_model", "flops_model")
ALIKE = 0.5
Tell = Callable[[float, str], object]


@dataclass
class Rule:
    """Stops a run whose validation score does not get better."""

    best: float = -np.inf
    waited: int = 0

    def over(self, score: float) -> bool:
        """Whether to stop after this epoch."""
        better = score > self.best + LEAST_GAIN
        self.best, self.waited = max(self.best, score), 0 if better else self.waited + 1
        return self.waited >= PATIENCE


def find(seeds: Sequence[int], tell: Tell | None = None) -> Finding:
    """Run the pipelines at every size over the seeds; ``tell(share, message)`` is called as work proceeds."""
    tell = tell or (lambda share, words: None)
    books = {}
    for done, width in enumerate(WIDTHS):
        tell(done / len(WIDTHS), f"students of width {width}")
        books[width] = pipelines(width, seeds, lambda share, words, k=done: tell((k + share) / len(WIDTHS), words))
    per_seed = _numbers(books, len(seeds))
    numbers = {name: mean_interval(values) for name, values in per_seed.items()}
    dearer, cheaper, alike = (numbers[name] for name in list(numbers)[:3])
    return Finding(
        name="energy_break_even",
        claim=CLAIM,
        source=SOURCE,
        outcome=all_of(outcome_of(dearer), outcome_of(cheaper), outcome_of(alike, ALIKE)),
        reading=_reading(books, numbers),
        numbers=numbers,
        per_seed={name: tuple(map(float, values)) for name, values in per_seed.items()},
        seeds=tuple(seeds),
        setting=f"digits; MLP 64-512-512-10 teaches students of width {', '.join(map(str, WIDTHS))}",
        controls=("the same student on labels, stopped by the same rule, at the same seeds",),
        notes=(
            "All energy is estimated: processor seconds or counted operations at a price; neither enters the signs.",
            f"A run stops after {PATIENCE} epochs without {LEAST_GAIN} points more on validation, "
            f"at the latest after {BUDGET.epochs}.",
            "One teacher for all seeds; its outputs were made and timed once.",
        ),
    )


def pipelines(width: int, seeds: Sequence[int], tell: Tell | None = None) -> dict[str, list[Book]]:
    """The ledgers of all three ways to students of one width, by name of the pipeline."""
    tell, found = tell or (lambda share, words: None), {name: [] for name in PIPELINES}
    jobs = [(seed, name) for seed in seeds for name in PIPELINES]
    for done, (seed, name) in enumerate(jobs):
        tell(done / len(jobs), f"width {width}: {name}, seed {seed}")
        setting = _setting(width, mixed=name == "synthetic_labels")
        found[name].append(book_of(stopped(setting, PIPELINES[name], seed)))
    return found


def stopped(setting: Setting, method: str, seed: int) -> Run:
    """A run that ends when the rule says so, or with its budget."""
    going, rule = Distillation(setting, make(method), BUDGET, seed, Conditions(checkpoint=False)), Rule()
    stream = going.run(Controls(going.method))
    for event in stream:
        if isinstance(event, events.Finished):
            return event.run
        if isinstance(event, events.Epoch) and event.party == "student" and rule.over(event.scores["student"]):
            break
    stream.close()
    with threads.using(setting.threads):
        return _end(going.ledger.watch(scoring.finish(going, going.trial), stage_of))


def _end(stream: Iterator[Any]) -> Any:
    """What a generator returns."""
    while True:
        try:
            next(stream)
        except StopIteration as done:
            return done.value


def _setting(width: int, *, mixed: bool) -> Setting:
    setting = Digits()
    setting.student = partial(MLP, 64, (width,), 10)
    if mixed:
        setting.train = _mixtures(setting.train)
    return setting


def _mixtures(train: TransferSet) -> TransferSet:
    """As many mixtures of two images each, without labels; the same for all seeds."""
    luck = torch.Generator().manual_seed(0)
    partner = torch.randperm(len(train), generator=luck)
    share = torch.rand(len(train), 1, 1, 1, generator=luck)
    inputs = share * train.inputs + (1 - share) * train.inputs[partner]
    return TransferSet(inputs, torch.full((len(train),), -1), ids=train.ids + 10_000)


def _numbers(books: Mapping[int, Mapping[str, Sequence[Book]]], seeds: int) -> dict[str, list[float]]:
    """By quantity, one number per seed, the mean over the widths."""
    made = {name: np.zeros((len(books), seeds)) for name in NAMES}
    for row, ways in enumerate(books.values()):
        for column in range(seeds):
            sheet = {model: {way: _sheet(some[column], model) for way, some in ways.items()} for model in MODELS}
            labels, kd = (sheet["cpu_time_model"][way] for way in ("labels", "cached_logits"))
            orders = [sorted(ways, key=lambda way, m=model: sheet[m][way]["total"]) for model in MODELS]
            values = (
                100 * (kd["total"] / labels["total"] - 1),
                100 * (1 - kd["student"] / labels["student"]),
                float(orders[0] == orders[1]),
                100
                * (1 - sheet["flops_model"]["cached_logits"]["student"] / sheet["flops_model"]["labels"]["student"]),
                100 * (kd["with_teacher"] / labels["total"] - 1),
                *(ways[way][column]["score"]["student"] for way in PIPELINES),
            )
            for name, value in zip(NAMES, values, strict=True):
                made[name][row, column] = value
    return {name: list(values.mean(axis=0)) for name, values in made.items()}


NAMES = (
    "one KD student costs more than one on labels (%)",
    "its training costs less (%)",
    "both models order the pipelines alike (share of widths)",
    "its training needs fewer operations (%)",
    "one KD student costs more, the teacher's training included (%)",
    *(f"accuracy: {name.replace('_', ' ')}" for name in PIPELINES),
)


def _sheet(book: Book, model: str) -> dict[str, float]:
    """Joules of one run: of all that is charged, of its training, and with the whole teacher."""
    found = energy({"run": [book]}, method=model)
    stages = {row["stage"]: row["energy_j"] for row in found.stages}
    total = found.totals[0]["energy_j"]
    return {"total": total, "student": stages["student"], "with_teacher": total + stages.get("teacher_training", 0.0)}


def _reading(books: Mapping[int, Mapping[str, Sequence[Book]]], numbers: Mapping[str, Any]) -> str:
    told = [f"width {width}: {_break_even(ways)}" for width, ways in books.items()]
    steps = {way: np.mean([_steps(book) for ways in books.values() for book in ways[way]]) for way in PIPELINES}
    lengths = ", ".join(f"{way.replace('_', ' ')} {count:.0f}" for way, count in steps.items())
    first, second, third, fourth, *_ = numbers.values()
    return (
        f"In processor seconds a KD student took {_more(first.mean)} than one on labels in all, and {_more(-second.mean)} "
        f"in its training alone (operations: {_more(-fourth.mean)}); the models agreed on the order of the pipelines at "
        f"{third.mean:.0%} of the widths. Steps until the rule stopped them: {lengths}. Does reuse pay? {'; '.join(told)}."
    )


def _more(percent: float) -> str:
    return f"{abs(percent):.0f} % {'more' if percent > 0 else 'less'}"


def _break_even(ways: Mapping[str, Sequence[Book]]) -> str:
    by = {model: _weighed(ways, model) for model in MODELS}
    return ", ".join(f"{found.students_verdict} ({model.split('_')[0]})" for model, found in by.items())


def _weighed(ways: Mapping[str, Sequence[Book]], model: str) -> BreakEven:
    return break_even(ways, plain="labels", distilled="cached_logits", assuming=Assumptions(method=model))


def _steps(book: Book) -> int:
    return next(row["steps"] for row in book["stages"] if row["stage"] == "student")
