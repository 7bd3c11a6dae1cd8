"""Runs the study a verb asks for, shows how far it is, and prints what came out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from workbench.cli.errors import BAD_INPUT, say
from workbench.cli.options import Pairs, StudyFlags, assignments
from workbench.cli.output import emit, only_the_document
from workbench.cli.progress import Progress

if TYPE_CHECKING:
    from workbench.methods.method import Method
    from workbench.records.budget import Budget
    from workbench.records.study import Study
    from workbench.settings.setting import Setting


def carry_out(asked: StudyFlags, methods: Mapping[str, Pairs], document: Callable[[Study, float], Any]) -> None:
    """Run, store and print a study; the status is 2 if a run of it failed."""
    start = time.monotonic()
    with only_the_document():
        study = _run(asked, methods)
    if asked.json:
        emit(document(study, time.monotonic() - start))
    else:
        print(study)
    for warning in study.warnings:
        say(f"warning: {warning}")
    for cell, message in study.failures.items():
        say(f"{cell} failed: {message}")
    if study.failures:
        raise typer.Exit(BAD_INPUT)


def _run(asked: StudyFlags, methods: Mapping[str, Pairs]) -> Study:
    from workbench.engine.study.study import study

    if asked.jobs == 0:
        raise ValueError("--jobs 0 would run nothing; give 1 or more, or -1 for one per core")
    made = [_method(name, pairs) for name, pairs in methods.items()]
    setting = _setting(asked)
    with Progress() as progress:
        return study(
            setting,
            made,
            seeds=asked.seeds,
            budget=_budget(asked, setting),
            quick=asked.quick,
            fresh=asked.fresh,
            smallest_effect=asked.smallest_effect,
            jobs=asked.jobs,
            progress=progress,
        )


def _method(name: str, pairs: Pairs) -> Method:
    from workbench.methods.catalog import make

    return make(name, assignments(pairs, "--set"))


def _setting(asked: StudyFlags) -> Setting:
    from workbench.settings.catalog import make

    return make(asked.setting, assignments(asked.with_, "--with"))


def _budget(asked: StudyFlags, setting: Setting) -> Budget:
    from workbench.records.budget import Budget
    from workbench.records.parameters import check

    given = {name: check(Budget, name, value) for name, value in assignments(asked.budget, "--budget").items()}
    if asked.epochs is not None:
        given["epochs"] = asked.epochs
    return replace(setting.budget, **given)
