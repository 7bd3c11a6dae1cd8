"""A live distillation beside its control, in a thread of its own; it knows nothing of Jupyter."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Any

import torch

from workbench.engine.conditions import Conditions
from workbench.engine.distill import DistillationFailed
from workbench.engine.live.board import Board, Subscriber
from workbench.engine.live.duet import Duet
from workbench.engine.live.inbox import Inbox, Stopped
from workbench.engine.live.narration import in_one_line, told
from workbench.engine.store import Store
from workbench.engine.study.study import Cell, StudyPlan, plan_study, run_cell, summarise
from workbench.methods.method import Method
from workbench.records import events
from workbench.records.budget import Budget
from workbench.records.run import Run
from workbench.records.snapshot import BUSY, Snapshot, Status
from workbench.settings.setting import Setting


class Session:
    """One student and its control, trained side by side; then, if asked, the remaining seeds of the study.

    All acts only leave a message for the worker thread, so they may be called from any thread and return at once.

    Args:
        setting: what to play on, or how to make it; that may take a while, so the worker does it.
        method: the student's; the control trains on labels only.
        seeds: of the study that the verdict will rest on; the live run is its first.
        budget: of the student, the setting's by default.
        conditions: device and folder.
        store: where finished runs go; the default store if None.
    """

    def __init__(
        self,
        setting: Setting | Callable[[], Setting],
        method: Method,
        *,
        seeds: int = 5,
        budget: Budget | None = None,
        conditions: Conditions | None = None,
        store: Store | None = None,
    ) -> None:
        """Nothing runs yet."""
        self.setting = setting if isinstance(setting, Setting) else None
        self._make_setting = (lambda: setting) if isinstance(setting, Setting) else setting
        self.method, self.seeds, self.budget = copy.deepcopy(method), seeds, budget
        self.store = store or Store()
        self.conditions = conditions or Conditions(folder=self.store.folder)
        self._board, self._inbox = Board(Snapshot()), Inbox()
        self._duet: Duet | None = None
        self._plan: StudyPlan | None = None
        self._lock, self._thread = threading.Lock(), threading.Thread()

    # --- acts ----------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Train teacher, student and control; nothing happens while the session is busy."""
        self._launch(self._first_seed)

    def run_remaining(self) -> None:
        """Run every cell of the study that is not in the store yet, and fill in the verdict."""
        self._launch(self._remaining_seeds)

    def pause(self) -> None:
        """Hold before the next step."""
        self._inbox.pause()

    def resume(self) -> None:
        """Go on."""
        self._inbox.resume()

    def step(self, steps: int = 1) -> None:
        """Let each student (or the teacher, while it is trained) take a few optimiser steps, then pause again."""
        self._inbox.step(steps)

    def stop(self) -> None:
        """End the run before its next step; finished runs are kept."""
        self._inbox.stop()

    def change(self, name: str, value: Any) -> None:
        """Move a parameter of the method: at the next step of a running student, and for the next start.

        Raises:
            KeyError: the method has no such parameter.
            ValueError: the value is not allowed.
        """
        self.method.change(name, value)
        if (duet := self._duet) is not None:
            duet.controls.set(name, value)

    # --- state ---------------------------------------------------------------------------------------------------
    @property
    def busy(self) -> bool:
        """True from a start until the run has finished, failed or been stopped."""
        return self.snapshot.status in BUSY

    @property
    def snapshot(self) -> Snapshot:
        """The session as it stands."""
        return self._board.snapshot

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Be told of every new snapshot, from the worker thread; returns the way to unsubscribe."""
        return self._board.subscribe(subscriber)

    def wait(self, seconds: float | None = None) -> Snapshot:
        """Wait for the worker thread to end, then return the last snapshot."""
        if self._thread.is_alive():
            self._thread.join(seconds)
        return self.snapshot

    # --- the worker thread ---------------------------------------------------------------------------------------
    def _launch(self, work: Callable[[], None]) -> None:
        with self._lock:
            if self.busy:
                return
            self._board.note(status="preparing")
            self._inbox, before = Inbox(), self._thread
            self._thread = threading.Thread(target=self._guarded, args=(work, before), name="session", daemon=True)
            self._thread.start()

    def _guarded(self, work: Callable[[], None], before: threading.Thread) -> None:
        if before.is_alive():  # it has published its last snapshot; wait for its subscribers to return
            before.join()
        try:
            self._warm_up()
            work()
        except Stopped:
            if self._duet is not None:
                self._duet.forget()
            self._board.tell(status="stopped", message="Stopped. Finished runs are kept; Start begins anew.")
        except Exception as error:
            self._board.tell(status="failed", message=in_one_line(error))
        finally:
            self._duet = None

    def _warm_up(self) -> None:
        """What takes seconds when it is done for the first time: PyTorch loads its optimisers, a setting its data."""
        self._begin("preparing", "Warming up: PyTorch loads its optimisers.", remaining_s=float("nan"), share=0.0)
        torch.optim.SGD([torch.zeros(1, requires_grad=True)])
        self._inbox.check()
        if self.setting is None:
            self._begin("preparing", "Loading the data.")
        if (threads := self._loaded.threads) is not None:
            torch.set_num_threads(threads)
        self._inbox.check()

    @property
    def _loaded(self) -> Setting:
        """The setting, made where it is asked for first."""
        if self.setting is None:
            self.setting = self._make_setting()
        return self.setting

    def _first_seed(self) -> None:
        self._plan, setting = self._planned(), self._loaded
        self._board.snapshot = Snapshot(score=setting.kind.score)
        self._begin("preparing", "The teacher is trained, or taken from the cache.")
        self._duet = duet = Duet(setting, self.method, self.budget or setting.budget, self.conditions)
        turns = duet.play(self._heard)
        next(turns)
        self._board.restart_clock()
        self._begin("running", self.snapshot.message, lanes=duet.lanes, share=duet.share, regions=duet.regions())
        self._breathe()
        for _ in turns:
            if self._board.due:
                self._board.tell(lanes=duet.lanes, share=duet.share, regions=duet.regions())
            self._breathe()
        self._board.note(lanes=duet.lanes, regions=duet.regions())
        for run in duet.runs.values():
            self.store.save(run)
        self._conclude(duet.runs)

    def _heard(self, event: events.Event) -> None:
        self._inbox.check()
        if changes := told(event, self._board.snapshot):
            self._board.note(**changes)
        if event.party == "teacher":
            self._hear_teacher(event)

    def _hear_teacher(self, event: events.Event) -> None:
        if isinstance(event, events.Stage):
            self._teacher_steps = event.steps
            self._board.restart_clock()
        elif isinstance(event, events.Step):
            self._board.note(share=event.step / self._teacher_steps)
            self._breathe()
        if self._board.due:
            self._board.tell()

    def _breathe(self) -> None:
        """Between two steps: hold if the user wants it."""
        self._inbox.stepped()
        if not self._inbox.holds:
            self._inbox.check()
            return
        elapsed, before = self._board.elapsed, self._board.snapshot.status
        live = {} if self._duet is None else {"lanes": self._duet.lanes, "regions": self._duet.regions()}
        self._board.tell(status="paused", **live)
        self._inbox.wait()
        self._board.restart_clock(elapsed)
        if not self._inbox.paused:
            self._board.tell(status=self._doing if before == "paused" else before)

    def _conclude(self, runs: dict[str, Run]) -> None:
        plan, study, message = (
            self._plan or self._planned(),
            None,
            "Done. One seed is no verdict: run the remaining seeds to get one.",
        )
        if runs["student"].changes:
            message = "Done. Controls were moved while it ran: this run is stored by itself and enters no study."
        else:
            arms = {plan.arm_of_method: runs["student"], plan.arm_of_control: runs["control"]}
            study = summarise(plan, {(arm, 0): run for arm, run in arms.items()})
        self._begin("finished", message, share=1.0, runs=dict(runs), study=study)

    def _remaining_seeds(self) -> None:
        if self._plan is None or self.snapshot.study is None:
            self._plan = self._planned()
        plan, runs = self._plan, {}
        self._board.restart_clock()
        for index, cell in enumerate(plan.cells):
            done, title = index / len(plan.cells), cell.title.replace("_", " ")
            self._begin("seeds", f"Run {index + 1} of {len(plan.cells)}: {title}.", share=done)
            runs[cell.arm, cell.seed] = self._cell(plan, cell, index)
        self._begin("finished", "Done: every seed is run.", share=1.0, study=summarise(plan, runs))

    def _cell(self, plan: StudyPlan, cell: Cell, index: int) -> Run:
        """One run of the study, the one after ``index`` of all."""
        steps, count = 1, len(plan.cells)
        for event in run_cell(plan, cell, self.store):
            self._inbox.check()
            if isinstance(event, events.Started):
                steps = event.steps
            elif isinstance(event, events.Step):
                self._board.note(share=(index + min(event.step / steps, 1.0)) / count)
                self._breathe()
            elif isinstance(event, events.Finished):
                return event.run
            elif isinstance(event, events.Failed):
                raise DistillationFailed(f"{cell.title}: {event.message}")
            if self._board.due:
                self._board.tell()
        raise DistillationFailed(f"{cell.title} ended without a result")

    def _planned(self) -> StudyPlan:
        return plan_study(self._loaded, [copy.deepcopy(self.method)], self.seeds, budget=self.budget)

    def _begin(self, status: Status, message: str, **changes: Any) -> None:
        self._doing = status
        self._board.tell(status=status, message=message, **changes)
