"""Distilled students use fewer features than students of labels, and each feature on more samples.

Kang and Kim 2026, section 3: 20 KD students have 281 features in use, 20 students of labels 531, and a KD feature is used
on 2,121 samples on the average, a baseline one on 1,329 (CIFAR-100, ResNets, interaction tensor). Here every seed is a
group of students of each kind, with the same initialisations and data, in one tensor together with their teachers.

Two things could explain it without any dark knowledge, and both are run beside it: students of one teacher have that one
in common (so there are students of distinct teachers too), and soft targets regularise (label smoothing, and the
teacher's answers given to the wrong samples).

As published, the components are those of the last convolution before pooling. (A first try on the penultimate layer of
MLPs could show nothing: there every group had exactly ten features, about one for each direction between ten classes.)

Departs: digits and small convolutional nets; groups of four; a fixed threshold, signs aligned and small components left
out, since at this size the released percentile hardly joins anything; its numbers are given beside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from workbench.diagnostics.interaction.measure import Construction, Interaction, interaction
from workbench.diagnostics.interaction.measure_models import gathered
from workbench.engine.conditions import Conditions
from workbench.engine.distill import Distillation, collect, distill
from workbench.engine.store import Store, open_store
from workbench.findings.paired import Tell
from workbench.maths.intervals import mean_interval
from workbench.methods.catalog import make
from workbench.models.convnet import ConvNet
from workbench.records.budget import Budget
from workbench.records.finding import Finding, all_of, outcome_of
from workbench.records.run import Run
from workbench.settings.digits import Digits
from workbench.settings.setting import Recipe, Setting

CLAIM = (
    "Of groups of four, the students of one teacher use fewer features than the students of labels only, and use each on "
    "more samples."
)
SOURCE = "Kang and Kim, ICPR 2026 (arXiv:2606.03052), section 3 and figure 1a"
GROUP = 4
STUDENT, TEACHER, BUDGET = (8, 16), (16, 32), Budget(epochs=15)
CONTROL = "labels only"
KINDS: Mapping[str, tuple[str, str]] = {
    "one teacher": ("kd", "none"),
    "distinct teachers": ("kd", "none"),
    CONTROL: ("labels_only", "none"),
    "label smoothing": ("label_smoothing", "none"),
    "shuffled targets": ("kd", "permuted_targets"),
}
THRESHOLDS: Mapping[str, Construction] = {
    "": Construction(0.5, orders=0),
    ", null threshold": Construction("null", orders=0),
    ", released form": Construction("released", "paper", "last", least_share=0.0, orders=0),
}


def find(seeds: Sequence[int], tell: Tell | None = None) -> Finding:
    """Run a group of students of every kind for each seed; ``tell(share, message)`` is called as work proceeds."""
    tell = tell or (lambda share, words: None)
    setting, rows = _setting(), []
    for done, seed in enumerate(seeds):
        tell(done / len(seeds), f"seed {seed}: {len(KINDS)} groups of {GROUP} students")
        rows.append(_measured(_tensors({kind: _group(setting, kind, seed) for kind in KINDS}, setting)))
    numbers = {name: [row[name] for row in rows] for name in rows[0]}
    intervals = {name: mean_interval(values) for name, values in numbers.items()}
    fewer, more = intervals["fewer features, one teacher"], intervals["more samples per feature, one teacher"]
    return Finding(
        name="fewer_features",
        claim=CLAIM,
        source=SOURCE,
        outcome=all_of(outcome_of(fewer), outcome_of(more)),
        reading=_reading(intervals),
        numbers=intervals,
        per_seed={name: tuple(map(float, values)) for name, values in numbers.items()},
        seeds=tuple(seeds),
        setting=f"digits, all labels for everybody; ConvNet {TEACHER} teaches ConvNet {STUDENT}; groups of {GROUP} per seed",
        controls=tuple(f"students of {kind}" if "teacher" in kind else kind for kind in KINDS if kind != "one teacher"),
        notes=(
            "All groups have the same size, so their unions can be compared; each seed has students and teachers of its own.",
            "Layer: the last convolution before pooling, as published.",
        ),
    )


def _setting() -> Setting:
    setting = Digits()
    setting.name, setting.student, setting.budget = "digits_conv", partial(ConvNet, 1, STUDENT, 10), BUDGET
    setting.teacher = Recipe(partial(ConvNet, 1, TEACHER, 10), BUDGET)
    return setting


def _group(setting: Setting, kind: str, seed: int) -> list[Run]:
    """Students of the same seeds for every kind; the teachers of ``distinct`` begin with the one that teaches the others."""
    name, control = KINDS[kind]
    first = GROUP * seed
    teachers = range(first, first + GROUP) if kind == "distinct teachers" else [first] * GROUP
    store = open_store()
    return [
        _run(setting, name, student, Conditions(control=control, teacher_seed=teacher, folder=store.folder), store)
        for student, teacher in zip(range(first, first + GROUP), teachers, strict=True)
    ]


def _run(setting: Setting, name: str, seed: int, conditions: Conditions, store: Store) -> Run:
    """From the store, or run and stored."""
    asked = Distillation(setting, make(name), setting.budget, seed, conditions)
    if not store.has(asked.id):
        store.save(collect(distill(setting, make(name), setting.budget, seed, conditions)))
    return store.load(asked.id)


def _tensors(groups: Mapping[str, list[Run]], setting: Setting) -> dict[str, Interaction]:
    """In each construction, of components that are computed once."""
    components, members, samples, _ = gathered(groups, setting, "last_stage", None, centred=True)
    return {
        words: interaction(components, members, samples=samples, construction=of) for words, of in THRESHOLDS.items()
    }


def _measured(tensors: Mapping[str, Interaction]) -> dict[str, float]:
    """Differences to the control in each construction, and the numbers behind them."""
    found: dict[str, float] = {}
    for words, of in tensors.items():
        unique = dict(zip(of.group_names, of.unique.tolist(), strict=True))
        often = dict(zip(of.group_names, of.mean_frequency.tolist(), strict=True))
        for kind in KINDS:
            if kind != CONTROL and (not words or kind == "one teacher"):
                found[f"fewer features, {kind}{words}"] = float(unique[CONTROL] - unique[kind])
                found[f"more samples per feature, {kind}{words}"] = often[kind] - often[CONTROL]
        found[f"features, {CONTROL}{words}"] = float(unique[CONTROL])
        found[f"threshold{words}"] = of.threshold
    return found


def _reading(intervals: Mapping[str, object]) -> str:
    words = [f"{kind} {intervals[f'fewer features, {kind}']}" for kind in KINDS if kind != CONTROL]
    often = intervals["more samples per feature, one teacher"]
    return (
        f"The {intervals[f'features, {CONTROL}'].mean:.3g} features of labels only minus those of each group: "
        f"{'; '.join(words)}. Samples per feature, one teacher minus labels only: {often}. Students of distinct teachers "
        "are the control for being distilled at all."
    )
