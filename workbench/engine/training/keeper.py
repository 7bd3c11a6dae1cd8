"""Keeps an unfinished run on disk and brings it back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from workbench.engine.training import checkpoint
from workbench.engine.training.stage import StageRunner
from workbench.engine.training.trial import Trial

EVERY = 1.0
"""Seconds: a run is kept at the end of an epoch, but runs of very short epochs not more often than this."""

COUNTS = ("best", "done", "epochs", "changes", "warnings")


class Keeper:
    """The checkpoint of one run.

    Args:
        path: where; None keeps nothing.

    Attributes:
        saved: what an interrupted run left, None if there is nothing.

    Raises:
        CorruptCheckpoint: the file is damaged.
    """

    def __init__(self, path: Path | None) -> None:
        """Reads what is there."""
        self.path, self._last = path, -EVERY
        self.saved: dict[str, Any] | None = checkpoint.load(path) if path is not None and path.exists() else None

    def keep(self, trial: Trial, runner: StageRunner, stage: int, epochs: int) -> None:
        """Write the state after some epochs of a stage, if the last time was long enough ago."""
        if self.path is None or time.monotonic() - self._last < EVERY:
            return
        guide = runner.updater.guide
        state = {
            "stage": stage,
            "epoch": epochs,
            "parties": {name: dict(trial.parties[name].state_dict()) for name in sorted(trial.learners)},
            "method": dict(trial.method.state_dict()),
            "updater": runner.updater.state(),
            "guide": {} if guide is None else guide.state(),
            "streams": trial.streams.state(),
            "history": trial.history.state(),
            "ledger": trial.ledger.state(),
            **{name: getattr(trial, name) for name in COUNTS},
        }
        checkpoint.save(state, self.path)
        self._last = time.monotonic()

    def restore_models(self, trial: Trial) -> None:
        """Weights, banks, history and controls as they were; before the teacher and the optimisers are made."""
        saved = self.saved
        for name, state in saved["parties"].items():
            trial.parties[name].load_state_dict(state)
        trial.method.load_state_dict(saved["method"])
        for change in saved["changes"]:
            trial.method.change(change["name"], change["value"])
        trial.controls.skip(saved["changes"])
        trial.history.restore(saved["history"])
        trial.ledger.restore(saved.get("ledger"))
        for name in COUNTS:
            setattr(trial, name, saved.get(name, getattr(trial, name)))

    def restore_runner(self, trial: Trial, runner: StageRunner) -> int:
        """Optimisers, a following teacher and the random streams as they were; returns the epochs already done."""
        runner.updater.restore(self.saved["updater"])
        if runner.updater.guide is not None:
            runner.updater.guide.restore(self.saved["guide"])
        trial.streams.restore(self.saved["streams"])
        return self.saved["epoch"]

    def forget(self) -> None:
        """The run is whole: nothing is left to go on from."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
