"""Methods over seeds with their controls: planned, run in any number of processes, compared."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from inspect import Parameter, Signature, signature
from typing import Annotated, Any

from workbench.engine import threads
from workbench.engine.distill import Distillation, DistillationFailed, collect, distill
from workbench.engine.identity import Known
from workbench.engine.revival import Revival
from workbench.engine.store import Store, StoreError, open_store
from workbench.engine.study.plan import Cell, StudyPlan, jobs_of, plan_study, with_folder
from workbench.engine.study.summary import Ran, Runs, summarise
from workbench.engine.study.tuning import tuned
from workbench.engine.teacher.acquire import teacher_of
from workbench.engine.tracking import Callback, checked, heard
from workbench.methods.method import Method
from workbench.records import events
from workbench.records.annotations import Limit
from workbench.records.arguments import checked_arguments
from workbench.records.plain import plain
from workbench.records.run import Run
from workbench.records.study import Study
from workbench.settings.setting import Recipe, Setting

__all__ = ["Cell", "StudyPlan", "plan_study", "run_cell", "run_cells", "study", "summarise"]

Progress = Callable[[int, int, str], None]
"""Called with the number of runs done, the number of all, and what has just happened."""

ELSEWHERE = "other code or values in this process"
KILLED = "its worker process was killed, by the system for want of memory or by hand"
TRIALS = Limit("1 or more trials, or 0 for none", lambda value: value >= 0)

_turn = threading.Lock()
"""PyTorch's random state and number of threads belong to the process, so the cells of one process take turns."""


@checked_arguments
def study(  # noqa: PLR0913 - where and how it runs; what is asked is in ``plan``
    setting: Setting | type[Setting] | str,
    methods: Iterable[Method | type[Method] | str],
    seeds: int | Sequence[int] = 5,
    *,
    jobs: int | None = None,
    store: Store | None = None,
    progress: Progress | None = None,
    tune: Annotated[int, TRIALS] = 0,
    callbacks: Sequence[Callback] | Callback = (),
    **plan: Any,
) -> Study:
    """Run methods over seeds beside their controls, and compare.

    Runs that are in the store already are taken from there, so a study that was interrupted goes on where it stopped; the
    study says which these are. A run is another one as soon as data, configuration or seed differ, or the code or state
    of anything that was handed in: models, factories, functions, methods, and what these call and read.

    Args:
        setting: what to play on, or its name, such as ``"digits"``.
        methods: one arm each, or their names, such as ``["kd", "kd+crd"]``.
        seeds: how many, or which.
        jobs: runs at the same time; by default one, or what ``joblib.parallel_config`` says. The processes come from
            joblib's backend (loky by default, or Dask or Ray if so configured) and must all see the store's folder.
            Each computes with one thread unless the setting says otherwise; where it says so, or one is what this
            process uses too, the numbers are the same bit by bit however many jobs there are.
        store: where runs are kept; the default store if None.
        progress: called with (runs done, all runs, what happened).
        tune: trials on validation that every arm, controls included, gets first; 0 compares the parameters as given.
        callbacks: functions of one event, such as ``TensorBoard``, called in the process that runs a cell, not for cells
            from the store.
        **plan: ``budget``, ``quick``, ``teachers``, ``smallest_effect`` and ``fresh``, see ``plan_study``.

    Raises:
        ValueError: a method does not fit the setting, or models share weights that must be apart; before anything is
            trained.
        DistillationFailed: every run failed; otherwise ``Study.failures`` says which did.
    """
    jobs, store, progress = jobs_of(jobs), store or open_store(), progress or (lambda done, of, what: None)
    heard_by = checked(callbacks)
    asked = replace(plan_study(setting, methods, seeds, **plan), callbacks=heard_by)

    def run(part: StudyPlan) -> Ran:
        return run_cells(part, store, jobs=jobs, progress=progress)

    chosen = tuned(asked, tune, run) if tune else asked
    ran = run(chosen)
    if not ran.runs:
        raise DistillationFailed("every run failed; " + ": ".join(next(iter(ran.failures.items()))))
    found = summarise(chosen, *ran).with_runs(partial(_loaded_alive, chosen, store))
    store.save_study(found)
    return found


def _with_plan(own: Signature, plan: Signature) -> Signature:
    """The signature of ``study`` with the parameters of ``plan_study`` by name, for help and completion."""
    first = [each for each in own.parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
    rest = [each for name, each in plan.parameters.items() if name not in own.parameters]
    return own.replace(parameters=[*first, *rest])


study.__signature__ = _with_plan(signature(study), signature(plan_study))  # pyright: ignore[reportFunctionMemberAccess]


def run_cells(plan: StudyPlan, store: Store, *, jobs: int | None, progress: Progress) -> Ran:
    """Run what the store lacks of a plan, or all of it if it is to be fresh."""
    cells = [(cell, run_id(plan, cell, store)) for cell in plan.cells]
    missing = [(cell, name) for cell, name in cells if plan.since or not store.has(name)]
    done, failures = len(cells) - len(missing), {}
    finished = [(cell, name) for cell, name in cells if (cell, name) not in missing]
    stored = frozenset((cell.arm, cell.seed) for cell, _ in finished)
    if missing:
        _train_teachers(plan, [cell for cell, _ in missing], store, lambda what: progress(done, len(cells), what))
    for cell, name, failure in _in_parallel(plan, missing, store, jobs):
        done += 1
        progress(done, len(cells), f"{cell.title} failed: {failure}" if failure else cell.title)
        if failure:
            failures[cell.title] = failure
        else:
            finished.append((cell, name))
    return Ran(_loaded(finished, store, failures), failures, stored)


def _loaded(finished: Sequence[tuple[Cell, str]], store: Store, failures: dict[str, str]) -> Runs:
    runs: dict[tuple[str, int], Run] = {}
    for cell, name in finished:
        try:
            runs[cell.arm, cell.seed] = store.load(name, models=False)
        except StoreError as error:
            failures[cell.title] = f"{error}; delete the run {name} to have it computed again"
    return runs


def _loaded_alive(plan: StudyPlan, store: Store, run_id: str) -> Run:
    """A run that knows the setting and the method it was made with, so that its models can be revived."""
    run = store.load(run_id)
    asked = (run.method["name"], plain(run.method["config"]))
    methods = [a.method for a in plan.arms if (a.method.name, plain(a.method.config())) == asked]
    return replace(run, reviver=Revival(store.folder, plan.setting, methods[0] if methods else None))


def run_cell(plan: StudyPlan, cell: Cell, store: Store) -> Iterator[events.Event]:
    """One run of a study, from the store if it is there, else distilled and stored.

    Yields:
        Events; the last one is ``Finished`` with the run, or ``Failed``.
    """
    name = run_id(plan, cell, store)
    if store.has(name) and not plan.since:
        yield events.Finished(run=store.load(name), stored=True)
        return
    conditions, about = with_folder(cell, store.folder), plan.known[cell.conditions.teacher_seed]
    stream = distill(plan.setting, plan[cell.arm].method, cell.budget, cell.seed, conditions, about=about)
    for event in heard(stream, plan.callbacks):
        if isinstance(event, events.Finished):
            store.save(event.run)
        yield event


def run_id(plan: StudyPlan, cell: Cell, store: Store) -> str:
    """The id that the run of a cell has, or will have."""
    return _asked(plan, cell, store, plan.known[cell.conditions.teacher_seed]).id


def _asked(plan: StudyPlan, cell: Cell, store: Store, about: Known | None) -> Distillation:
    conditions = with_folder(cell, store.folder)
    return Distillation(plan.setting, plan[cell.arm].method, cell.budget, cell.seed, conditions, about)


def _train_teachers(plan: StudyPlan, cells: Sequence[Cell], store: Store, say: Callable[[str], None]) -> None:
    """Once, before the cells, which then find them in the cache."""
    if not isinstance(plan.setting.teacher, Recipe):
        return
    for cell in {cell.conditions.teacher_seed: cell for cell in cells}.values():
        with _turn, threads.using(plan.setting.threads):
            key = plan.known[cell.conditions.teacher_seed].teacher
            for _ in teacher_of(plan.setting, with_folder(cell, store.folder), key):
                pass
        say(f"teacher {cell.conditions.teacher_seed} is ready")


def _in_parallel(
    plan: StudyPlan, cells: Sequence[tuple[Cell, str]], store: Store, jobs: int | None
) -> Iterator[tuple[Cell, str, str]]:
    """Each cell with the id of its run, or with what went wrong, as they come.

    Where a worker process is killed, the cells that were with the workers are tried again one by one, each in a process
    of its own, so that only the one that kills its process fails; the others go on in parallel.
    """
    left, work = set(range(len(cells))), partial(_dispatched, plan, cells, store)
    while left:
        sent: list[int] = []
        try:
            for index, name, failure in work(sorted(left), jobs, sent):
                left.discard(index)
                yield cells[index][0], name, failure
        except BrokenProcessPool:
            if not sent:
                raise
            for index in left.intersection(sent):
                left.discard(index)
                try:
                    ((_, name, failure),) = work([index], 2, sent)
                except BrokenProcessPool:
                    name, failure = "", KILLED
                yield cells[index][0], name, failure


def _dispatched(
    plan: StudyPlan,
    cells: Sequence[tuple[Cell, str]],
    store: Store,
    indices: Sequence[int],
    jobs: int | None,
    sent: list[int],
) -> Iterator[tuple[int, str, str]]:
    """What comes back of some cells; ``sent`` is told which of them went to the workers."""
    from joblib import Parallel, delayed

    def calls() -> Iterator[Any]:
        for index in indices:
            sent.append(index)
            yield delayed(_work)(plan, cells[index], index, store, os.getpid())

    workers: Any = Parallel(n_jobs=jobs, return_as="generator_unordered")
    for outcome in workers(calls()):
        here = outcome[-1] == ELSEWHERE
        yield _work(plan, cells[outcome[0]], outcome[0], store, os.getpid()) if here else outcome


def _work(plan: StudyPlan, cell: tuple[Cell, str], index: int, store: Store, parent: int) -> tuple[int, str, str]:
    """Run one cell and leave it in the store; what went wrong is returned, so that it does not stop the rest."""
    with _turn, threads.using(None if os.getpid() == parent else 1):
        try:
            if os.getpid() != parent and _is_another_here(plan, *cell, store):
                return index, "", ELSEWHERE
            return index, collect(run_cell(plan, cell[0], store)).id, ""
        except Exception as error:
            return index, "", f"{type(error).__name__}: {error}"


def _is_another_here(plan: StudyPlan, cell: Cell, name: str, store: Store) -> bool:
    """Whether another process would run something else: a module's value that was changed after it was imported."""
    here = _asked(plan, cell, store, None)
    return here.id != name and not here.unaddressed
