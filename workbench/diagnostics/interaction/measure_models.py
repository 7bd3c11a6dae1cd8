"""The models of finished runs, asked for the components of one of their layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from workbench.diagnostics.bundle import digest
from workbench.diagnostics.interaction.measure_assembly import TEACHER, Samples
from workbench.diagnostics.interaction.measure_components import Components, chunks_of, components, count_for
from workbench.records.run import Run
from workbench.records.study import Study
from workbench.records.wording import plural

if TYPE_CHECKING:
    from torch import nn

    from workbench.settings.setting import Setting

Source = Study | Run | Mapping[str, Sequence[Run]]
Layers = Literal["penultimate", "last_stage"] | Mapping[str, str]
Tell = Callable[[float, str], object]
ROLES = ("method", "control")


@dataclass
class _Gathering:
    """What is known so far, model by model."""

    components: dict[str, Components] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    logits: dict[str, np.ndarray] = field(default_factory=dict)
    teachers: dict[str, str] = field(default_factory=dict)
    first: Run | None = None


def gathered(
    source: Source, setting: Setting | None, layers: Layers, tell: Tell | None, *, centred: bool
) -> tuple[dict[str, Components], dict[str, list[str]], Samples, list[str]]:
    """Components by model, names by group, what is known about the samples, and what to warn of.

    Raises:
        ValueError: see ``interaction_of``.
    """
    tell, found, notes = tell or (lambda share, words: None), _Gathering(), []
    asked = list(_in_turn(source))
    found.groups = {name: [] for name, _ in asked} | {TEACHER: []}
    for done, (name, load) in enumerate(asked):
        try:
            tell(done / len(asked), f"components of {name}, run {done + 1} of {len(asked)}")
            setting = _add(found, name, load(), setting, partial(_components, layers=layers, centred=centred))
        except (StopIteration, KeyboardInterrupt):
            notes.append(f"stopped after {done} of {plural(len(asked), 'run')}")
            break
    if len(found.components) < 2:
        raise ValueError(f"an interaction tensor needs two or more models; there are {len(found.components)}")
    count = count_for([len(each.centre) for each in found.components.values()])
    names = tuple(found.first.facts.get("class_names") or ())
    samples = Samples(found.first.test_ids, found.first.test_labels, names, found.logits)
    made = {name: each.first(count) for name, each in found.components.items()}
    return made, {group: members for group, members in found.groups.items() if members}, samples, notes


def _in_turn(source: Source) -> Iterator[tuple[str, Callable[[], Run]]]:
    """Group and run: the first run of each group, then the second, so that what is stopped early is balanced."""
    loaders: dict[str, list[Callable[[], Run]]] = {}
    if isinstance(source, Study):
        arms = [arm for arm in source.arms.values() if arm.role in ROLES]
        loaders = {arm.name: [partial(source.run, arm.name, o.seed) for o in arm.outcomes] for arm in arms}
    else:
        given = {"student": [source]} if isinstance(source, Run) else source
        loaders = {name: [partial(_itself, run) for run in runs] for name, runs in given.items()}
    for turn in range(max(map(len, loaders.values()), default=0)):
        yield from ((name, of[turn]) for name, of in loaders.items() if turn < len(of))


def _itself(run: Run) -> Run:
    return run


def _check(found: _Gathering, group: str, run: Run) -> None:
    first = found.first or run
    if run.setting.get("task", "classification") != "classification":
        raise ValueError(f"run {run.id} is a run of {run.setting['task']}; features are compared for classifications")
    if not np.array_equal(run.test_ids, first.test_ids):
        raise ValueError(f"runs {first.id} and {run.id} were tested on different samples: their ids differ")
    if group == TEACHER:
        raise ValueError(f"the group {TEACHER!r} is filled with the runs' teachers; give your own another name")
    if f"{group}, seed {run.seed}" in found.components:
        raise ValueError(
            f"the group {group!r} holds two runs of seed {run.seed}; their students may be one and the same"
        )


def _add(
    found: _Gathering,
    group: str,
    run: Run,
    setting: Setting | None,
    ask: Callable[[nn.Module, Setting, str], Components],
) -> Setting:
    """The student of a run, and its teacher if it is not there yet."""
    _check(found, group, run)
    found.first = found.first or run
    revived, student = run.revive(setting), f"{group}, seed {run.seed}"
    found.components[student] = ask(revived.student, revived.setting, group)
    found.groups[group].append(student)
    found.logits[student] = run.predictions["student"]
    if not revived.reads_teacher or "teacher" not in revived.models:
        return revived.setting
    key = digest(revived.teacher)
    if key not in found.teachers:
        found.teachers[key] = name = f"teacher {len(found.teachers)}"
        found.components[name] = ask(revived.teacher, revived.setting, TEACHER)
        found.groups[TEACHER].append(name)
        if "teacher" in run.predictions:
            found.logits[name] = run.predictions["teacher"]
    return revived.setting


def _components(model: nn.Module, setting: Setting, group: str, *, layers: Layers, centred: bool) -> Components:
    data = setting.test.as_teacher_sees() if group == TEACHER else setting.test
    chunks = chunks_of(model, data, _layer(model, layers, group))
    width = next(iter(chunks())).shape[1]
    return components(chunks, count_for([width]), centred=centred)


def _layer(model: nn.Module, layers: Layers, group: str) -> str:
    from workbench.models.layers import penultimate_of, stages_of

    if layers == "penultimate":
        return penultimate_of(model)
    if layers == "last_stage":
        return stages_of(model)[-1]
    if group not in layers:
        raise ValueError(f"no layer given for the group {group!r}; given: {', '.join(layers) or 'none'}")
    return layers[group]
