"""One finished distillation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.records.budget import Budget

if TYPE_CHECKING:
    from torch import Tensor

    from workbench.records.revived import Revived


@dataclass(frozen=True)
class Scores:
    """The scores of one model; test data is touched only for ``last`` and ``selected``, after training.

    Attributes:
        last: test score after the last epoch.
        selected: test score of the epoch that was best on validation.
        validation: validation score of the last epoch.
        selected_epoch: that epoch, counted from 1.
    """

    last: float
    selected: float
    validation: float
    selected_epoch: int


@dataclass(frozen=True)
class Curve:
    """One recorded quantity over student steps."""

    steps: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Run:
    """A finished distillation: what was asked, what came out, and the models by name.

    Attributes:
        id: content address of everything that was asked.
        setting: ``{"name": ..., "config": {...}, "data": hash}``.
        method: ``{"name": ..., "config": {...}}``.
        control: what was done to the teacher's targets: ``none``, ``permuted_targets`` or ``permuted_non_targets``.
        scores: by party; ``student`` always, ``teacher`` where its outputs have the layout of the student's.
        curves: ``terms/<name>``, ``validation/<party>``, ``probe/<name>`` over student steps.
        predictions: test outputs by party, (N, C) float32, rows in the order of ``test_ids``.
        test_ids: (N,) ids of the test samples.
        test_labels: (N,) their labels.
        models: trained tensors by party, as state dicts; empty when not loaded.
        changes: controls moved while it ran, as ``{"party": ..., "step": ..., "name": ..., "value": ...}``.
        facts: parameters, steps, seconds, versions, threads, device and the like: plain values.
        leaks_test: True if test data was touched on purpose while training; bars the run from studies.
        reviver: makes its models alive again; set by the engine and the store.
    """

    id: str
    setting: Mapping[str, Any]
    method: Mapping[str, Any]
    budget: Budget
    seed: int
    control: str = "none"
    scores: Mapping[str, Scores] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    predictions: Mapping[str, np.ndarray] = field(default_factory=dict)
    test_ids: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    test_labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    models: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)
    changes: tuple[Mapping[str, Any], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    leaks_test: bool = False
    reviver: Callable[[Run, Any], Revived] | None = field(default=None, compare=False, repr=False)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was warned of while it ran, each once; empty for runs from before that was kept."""
        return tuple(self.facts.get("warnings", ()))

    def revive(self, setting: Any = None) -> Revived:
        """The models of this run, with its weights, and the setting it was run on.

        Args:
            setting: of the run; made again from the catalogue if None, so one of your own must be given.

        Raises:
            ValueError: the run was made by hand or loaded without its models, its setting is not in the catalogue, or
                the one given holds other data or other nets.
        """
        if self.reviver is None:
            raise ValueError(f"run {self.id} was not made by distill or a store, so it has no models to revive")
        return self.reviver(self, setting)
