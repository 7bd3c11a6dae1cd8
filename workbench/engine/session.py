"""A live distillation beside its control, in a thread of its own; it knows nothing of Jupyter."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch

from workbench.engine.board import Board, Subscriber
from workbench.engine.conditions import Conditions
from workbench.engine.distill import DistillationFailed
from workbench.engine.duet import Duet
from workbench.engine.inbox import Inbox, Stopped
from workbench.engine.store import Store
from workbench.engine.study import plan_study, run_cell, summarise
from workbench.engine.terms import NotFinite
from workbench.methods.method import Method
from workbench.records import events
from workbench.records.budget import Budget
from workbench.records.run import Run
from workbench.records.snapshot import Snapshot
from workbench.settings.setting import Setting


class Session:
    """One student and its control, trained side by side; then, if asked, the remaining seeds of the study.

    All acts only leave a message for the worker thread, so they may be called from any thread and return at once.

    Args:
        setting: what to play on.
        method: the student's; the control trains on labels only.
        seeds: of the study that the verdict will rest on; the live run is its first.
        budget: of the student, the setting's by default.
        conditions: device and folder.
        store: where finished runs go; the default store if None.
    """

    def __init__(
        self,
        setting: Setting,
        method: Method,
        *,
        seeds: int = 5,
        budget: Budget | None = None,
        conditions: Conditions | None = None,
        store: Store | None = None,
    ) -> None:
        """Nothing runs yet."""
        self.setting, self.method, self.seeds = setting, method, seeds
        self.budget, self.conditions = budget or setting.budget, conditions or Conditions()
        self.store = store or Store()
        self.plan = plan_study(setting, [method], seeds, budget=self.budget)
        self._board = Board(Snapshot(score=setting.kind.score))
        self._inbox = Inbox(self._paused)
        self._duet: Duet | None = None
        self._lock, self._thread = threading.Lock(), threading.Thread()
        self._doing = "running"

    # --- acts ----------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Train teacher, student and control; nothing happens while the session is busy."""
        self._launch(self._first_seed)

    def run_remaining(self) -> None:
        """Run every cell of the study that is not in the store yet, and fill in the verdict."""
        self._launch(self._remaining_seeds)

    def pause(self) -> None:
        """Stop asking for steps."""
        self._inbox.post("pause")

    def resume(self) -> None:
        """Go on."""
        self._inbox.post("resume")

    def step(self, steps: int = 1) -> None:
        """Let each student take a few optimiser steps, then pause again."""
        self._inbox.post("step", steps)

    def stop(self) -> None:
        """End the run before its next step; finished runs are kept."""
        self._inbox.post("stop")

    def change(self, name: str, value: Any) -> None:
        """Move a parameter of the method: at the next step of a running student, else for the next start.

        Raises:
            KeyError: the method has no such parameter.
            ValueError: the value is not allowed.
        """
        self.method.change(name, value)
        if self.busy and self._duet is not None:
            self._duet.controls.set(name, value)
        if not self.busy:
            self.plan = plan_study(self.setting, [self.method], self.seeds, budget=self.budget)

    # --- state ---------------------------------------------------------------------------------------------------
    @property
    def busy(self) -> bool:
        """True while the worker thread is alive."""
        return self._thread.is_alive()

    @property
    def snapshot(self) -> Snapshot:
        """The session as it stands."""
        return self._board.snapshot

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Be told of every new snapshot, from the worker thread; returns the way to unsubscribe."""
        return self._board.subscribe(subscriber)

    def wait(self, seconds: float | None = None) -> Snapshot:
        """Wait for the worker thread to end, then return the last snapshot."""
        if self.busy:
            self._thread.join(seconds)
        return self.snapshot

    # --- the worker thread ---------------------------------------------------------------------------------------
    def _launch(self, work: Callable[[], None]) -> None:
        with self._lock:
            if self.busy:
                return
            self._inbox = Inbox(self._paused)
            self._thread = threading.Thread(target=self._guarded, args=(work,), name="workbench-session", daemon=True)
            self._thread.start()

    def _guarded(self, work: Callable[[], None]) -> None:
        if self.setting.threads:
            torch.set_num_threads(self.setting.threads)
        self._board.restart_clock()
        try:
            work()
        except Stopped:
            if self._duet is not None:
                self._duet.forget()
            self._board.tell(status="stopped", message="Stopped. Finished runs are kept; Start begins anew.")
        except (NotFinite, DistillationFailed, ValueError, KeyError, RuntimeError, OSError, TypeError) as error:
            text = error.args[0] if isinstance(error, KeyError) and error.args else error
            self._board.tell(status="failed", message=str(text))
        finally:
            self._duet = None

    def _first_seed(self) -> None:
        self.plan = plan_study(self.setting, [self.method], self.seeds, budget=self.budget)
        self._board.snapshot = Snapshot(score=self.setting.kind.score)
        self._begin("preparing", "The teacher is trained, or taken from the cache.")
        self._duet = duet = Duet(self.setting, self.method, self.budget, self.conditions)
        for _ in duet.play(self._heard):
            self._inbox.stepped()
            if self._board.due:
                self._board.tell(lanes=duet.lanes, share=duet.share, regions=duet.regions())
        for run in duet.runs.values():
            self.store.save(run)
        self._board.note(lanes=duet.lanes, regions=duet.regions())
        self._conclude(duet.runs)

    def _heard(self, event: events.Event) -> None:
        board = self._board
        if isinstance(event, events.Changed):
            value = f"{event.value:g}" if isinstance(event.value, float) else str(event.value)
            board.note(marks=(*board.snapshot.marks, (event.step, f"{event.name} {value}")))
        elif isinstance(event, events.Epoch) and event.party == "teacher":
            board.note(teacher=event.scores["teacher"])
        elif isinstance(event, events.Finished):
            board.note(teacher=event.run.scores["teacher"].validation)
        elif isinstance(event, events.Stage) and event.party != "teacher" and board.snapshot.status == "preparing":
            board.restart_clock()
            self._begin("running", "Student and control are training side by side.")
        if board.due:
            board.tell()
        self._inbox.attend()

    def _conclude(self, runs: dict[str, Run]) -> None:
        study, message = None, "Done. One seed is no verdict: run the remaining seeds to get one."
        if runs["student"].changes:
            message = "Done. Controls were moved while it ran: this run is stored by itself and enters no study."
        else:
            arms = {self.plan.arm_of_method: runs["student"], self.plan.arm_of_control: runs["control"]}
            study = summarise(self.plan, {(arm, 0): run for arm, run in arms.items()})
        self._board.tell(status="finished", message=message, share=1.0, runs=dict(runs), study=study)

    def _remaining_seeds(self) -> None:
        runs: dict[tuple[str, int], Run] = {}
        cells = self.plan.cells
        for index, cell in enumerate(cells):
            self._begin("seeds", f"{cell.arm}, seed {cell.seed}", share=index / len(cells))
            for event in run_cell(self.plan, cell, self.store):
                self._inbox.attend()
                if isinstance(event, events.Failed):
                    raise DistillationFailed(f"{cell.arm}, seed {cell.seed}: {event.message}")
                if isinstance(event, events.Finished):
                    runs[cell.arm, cell.seed] = event.run
        self._board.tell(status="finished", message="Done.", share=1.0, study=summarise(self.plan, runs))

    def _begin(self, status: str, message: str, **changes: Any) -> None:
        self._doing = status
        self._board.tell(status=status, message=message, **changes)

    def _paused(self, paused: bool) -> None:  # noqa: FBT001 - a callback's one argument
        self._board.tell(status="paused" if paused else self._doing)
