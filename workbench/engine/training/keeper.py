"""Keeps an unfinished run on disk and brings it back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from workbench.engine.evaluate import alike, answers, few
from workbench.engine.training import checkpoint
from workbench.engine.training.checkpoint import CorruptCheckpoint
from workbench.engine.training.stage import StageRunner
from workbench.engine.training.trial import Trial

EVERY = 1.0
"""Seconds: a run is kept at the end of an epoch, but runs of very short epochs not more often than this."""

COUNTS = ("best", "done", "epochs", "changes", "warnings")


class Keeper:
    """The checkpoint of one run.

    Args:
        path: where; None keeps nothing.
        trusts: whether a file is there and may be used.

    Attributes:
        saved: what an interrupted run left, None if there is nothing.

    Raises:
        CorruptCheckpoint: the file is damaged, or belongs to another run than its name says.
    """

    def __init__(self, path: Path | None, trusts: Callable[[Path], bool] = Path.exists) -> None:
        """Reads what is there."""
        self.path, self._last = path, -EVERY
        self.saved: dict[str, Any] | None = checkpoint.load(path) if path is not None and trusts(path) else None
        if path is not None and self.saved is not None and self.saved["of"] != path.stem:
            raise CorruptCheckpoint(f"{path} belongs to {self.saved['of']}; delete it to start over")

    def keep(self, trial: Trial, runner: StageRunner, stage: int, epochs: int) -> None:
        """Write the state after some epochs of a stage, if the last time was long enough ago."""
        if self.path is None or time.monotonic() - self._last < EVERY:
            return
        guide = runner.updater.guide
        state = {
            "of": self.path.stem,
            "said": _said(trial, runner),
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

    @property
    def _left(self) -> dict[str, Any]:
        if self.saved is None:
            raise RuntimeError("there is no state to go on from")
        return self.saved

    def restore_models(self, trial: Trial) -> None:
        """Weights, banks, history and controls as they were; before the teacher and the optimisers are made."""
        saved = self._left
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
        """Optimisers, a following teacher and the random streams as they were; returns the epochs already done.

        Raises:
            CorruptCheckpoint: the models do not answer what they did when they were kept.
        """
        saved = self._left
        for party, said in _said(trial, runner).items():
            if not alike(said, saved["said"][party]):
                raise CorruptCheckpoint(
                    f"{self.path} was kept by a {party} that answered otherwise than this one with the same weights; "
                    "its code or a library has changed: delete the file to start over"
                )
        runner.updater.restore(saved["updater"])
        if runner.updater.guide is not None:
            runner.updater.guide.restore(saved["guide"])
        trial.streams.restore(saved["streams"])
        return saved["epoch"]

    def forget(self) -> None:
        """Delete the checkpoint of a finished run."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _said(trial: Trial, runner: StageRunner) -> dict[str, Tensor]:
    """What the learners of a stage answer to a few validation samples."""
    some = few(runner.validation)
    if not some.repeatable:  # what is read otherwise each time tells nothing
        return {}
    return {party: answers(trial.method.deployed(model), some) for party, model in runner.students.items()}
