"""The arms of a study: methods, labels only, and the controls that a method's nature asks for."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.engine.conditions import Control
from workbench.engine.identity import asked
from workbench.engine.rehearsal import Rehearsal, rehearse
from workbench.engine.sizes import larger_student_of
from workbench.methods.catalog import check_task, make
from workbench.methods.method import Method
from workbench.models.copies import copied
from workbench.records.arm import Role
from workbench.records.budget import Budget
from workbench.settings.setting import Setting

CONTROL = "labels_only"


@dataclass(frozen=True, eq=False)
class PlannedArm:
    """One arm before it is run.

    Attributes:
        name: unique in the study.
        method: a copy of the one given, never trained itself; runs take copies of it in turn.
        budget: of the student.
        role: a method, or which kind of control.
        of: the arms it is a control of; none for methods and for labels only.
        label: how sentences call it.
    """

    name: str
    method: Method
    budget: Budget
    role: Role = "method"
    of: tuple[str, ...] = ()
    label: str = ""

    @property
    def asked(self) -> dict[str, Any]:
        """Name and configuration of the method, and the digest of its code and state if it is the user's own."""
        return asked(self.method)

    @property
    def control(self) -> Control:
        """What is done to the teacher's targets."""
        return self.role if self.role in ("permuted_targets", "permuted_non_targets") else "none"


def arms_of(
    setting: Setting, methods: Sequence[Method], budget: Budget, *, quick: bool
) -> tuple[tuple[PlannedArm, ...], list[str]]:
    """The arms in the order they are shown, and what must be said about them.

    Raises:
        TypeError: something that is not a method.
        ValueError: no method, one twice, or one that is not allowed here.
    """
    _check(setting, methods)
    control = PlannedArm(CONTROL, make(CONTROL), budget, "control", label="labels only")
    own = [method for method in methods if type(method) is not type(control.method)]
    named = [PlannedArm(name, copied(m), budget, label=name) for name, m in zip(_names(own), own, strict=True)]
    rehearse(setting, control.method, budget)
    rehearsals = {arm.name: rehearse(setting, arm.method, budget) for arm in named}
    lacking: dict[str, list[str]] = defaultdict(list)
    arms = [control, *_equal_total(control, rehearsals)]
    for arm in named:
        permuted, left_out = ([], []) if quick else _permuted(setting, arm, rehearsals[arm.name])
        arms += [arm, *permuted]
        for why_not in left_out:
            lacking[why_not].append(arm.name)
    return tuple(arms), [f"{', '.join(names)}: {why_not}." for why_not, names in lacking.items()]


def notes_on(setting: Setting, seeds: tuple[int, ...], arms: Sequence[PlannedArm]) -> list[str]:
    """What a reader must know about the setting itself."""
    notes = list(setting.notes)
    if not setting.varies_initialisation and len(seeds) > 1:
        notes.append(
            "The student was given as a model, of which every seed trains a copy: initialisation is not varied."
        )
    if any(arm.method.reads_teacher for arm in arms) and (trouble := larger_student_of(setting)):
        notes.append(f"{trouble[:1].upper()}{trouble[1:]}")
    return notes


def _check(setting: Setting, methods: Sequence[Method]) -> None:
    if isinstance(methods, Method) or not methods:
        raise ValueError("give a list of one or more methods, such as [methods.KD()]")
    for method in methods:
        if not isinstance(method, Method):
            raise TypeError(f"{method!r} is not a method; give objects such as methods.KD(temperature=4.0)")
        if method.leaks_test:
            raise ValueError(
                f"{method.name} as configured touches test data while training and is barred from studies; "
                "in Python distill(setting, method) runs it alone and marks the run"
            )
        check_task(setting.task, method)


def _names(methods: Sequence[Method]) -> list[str]:
    """The methods' names; those that come more than once with the parameters in which they differ."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for method in methods:
        groups[method.name].append(method.config())
    names = [_name(method, groups[method.name]) for method in methods]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} is given twice with the same parameters; one arm is enough")
    return names


def _name(method: Method, group: list[dict[str, Any]]) -> str:
    mine = method.config()
    transforms = ("transform", ".transform")  # what they change is not in the name
    different = [key for key in mine if key.endswith(transforms) or any(o.get(key) != mine[key] for o in group)]
    return f"{method.name}({', '.join(f'{key}={mine[key]}' for key in different)})" if different else method.name


def _equal_total(control: PlannedArm, rehearsals: dict[str, Rehearsal]) -> list[PlannedArm]:
    """Labels only with as many optimiser steps as all the models of an arm together, once per number of steps."""
    owners: dict[int, list[str]] = defaultdict(list)
    for name, rehearsal in rehearsals.items():
        if rehearsal.total_steps > rehearsal.steps:
            owners[math.ceil(rehearsal.total_steps / rehearsal.epoch_steps)].append(name)
    found = []
    for epochs, of in sorted(owners.items()):
        times = f"{epochs / control.budget.epochs:.3g}"
        arm = replace(control, name=f"{CONTROL}@{times}x", role="equal_total", of=tuple(of))
        label = f"labels only with {times} times the steps"
        found.append(replace(arm, label=label, budget=replace(control.budget, epochs=epochs)))
    return found


def _permuted(setting: Setting, arm: PlannedArm, rehearsal: Rehearsal) -> tuple[list[PlannedArm], list[str]]:
    """The permuted controls of a method, and why any is left out."""
    if not rehearsal.reads_teacher:
        return [], []
    if setting.train.full_batch or not setting.train.paired or setting.train.in_order:
        return [], ["no permuted controls, since the teacher is not asked sample by sample"]
    found, left_out = [], []
    controls: tuple[tuple[Role, str, str], ...] = (
        ("permuted_targets", "permuted targets", _no_targets(arm.method)),
        ("permuted_non_targets", "permuted non-targets", _no_non_targets(setting, arm.method)),
    )
    for role, words, why_not in controls:
        if why_not:
            left_out.append(f"no control with {words}, since {why_not}")
        else:
            found.append(_shuffled(arm, role, words))
    return found, left_out


def _shuffled(arm: PlannedArm, role: Role, words: str) -> PlannedArm:
    return replace(arm, name=f"{arm.name}/{role}", role=role, of=(arm.name,), label=f"itself with {words}")


def _no_targets(method: Method) -> str:
    """Why giving each sample the answer to another one is no control; empty if it is one."""
    return "inputs that are made while training have no other sample's answer" if method.own_inputs else ""


def _no_non_targets(setting: Setting, method: Method) -> str:
    """Why permuting the non-target outputs would be no control; empty if it is one."""
    if setting.task != "classification":
        return f"the task is {setting.task}"
    if setting.classes < 3:
        return "with two classes there is only one non-target"
    return "" if method.reads_outputs else "the teacher's outputs are never read"
