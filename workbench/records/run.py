"""One finished distillation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from workbench.records.arguments import checked_arguments
from workbench.records.budget import Budget

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from workbench.records.exported import Exported
    from workbench.records.revived import Revived


class Reviver(Protocol):
    """Makes the models of a run alive again, and writes them to files; given by the engine and the store."""

    def revive(self, run: Run, setting: Any, method: Any) -> Revived:
        """See ``Run.revive``."""
        ...

    def export(self, run: Run, folder: Path, setting: Any, method: Any) -> Exported:
        """See ``Run.export``."""
        ...


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


@checked_arguments
@dataclass(frozen=True, repr=False)
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
    reviver: Reviver | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        """Three lines: what was run, what came out, and how to go on; its warnings below."""
        config = ", ".join(f"{name}={value!r}" for name, value in self.method.get("config", {}).items())
        control = "" if self.control == "none" else f", control {self.control}"
        scores = [f"{party} {score.last:.4g}" for party, score in self.scores.items()]
        agreement = self.facts.get("agreement")
        scores += [] if agreement is None else [f"agreement {agreement:.3g}"]
        lines = [
            f"Run {self.id}",
            f"  {self.method['name']}({config}) on {self.setting['name']}, seed {self.seed}{control}, "
            f"{self.budget.epochs} epochs in {self.facts.get('seconds', 0.0):.3g} s",
            f"  {self.facts.get('score', 'score')} on test after the last epoch: {', '.join(scores) or 'none'}",
            *(f"  ! {warning}" for warning in self.warnings),
        ]
        return "\n".join(lines)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was warned of while it ran, each once; empty for runs from before that was kept."""
        return tuple(self.facts.get("warnings", ()))

    @property
    def measures(self) -> dict[str, float]:
        """The values of the setting's own measures, by name."""
        return {name: found["value"] for name, found in self.facts.get("measures", {}).items()}

    def revive(self, setting: Any = None, method: Any = None) -> Revived:
        """The models of this run, with its weights, and the setting it was run on.

        Args:
            setting: of the run, or its name. None is the one it was made with in this process, else the catalogue's; one
                of your own must be given for a run that comes from the store.
            method: of the run; likewise. Without it a method of your own that is not known here is left out: the student
                is made by the setting alone, which is what is deployed unless the method extends it.

        Raises:
            ValueError: the run was made by hand or loaded without its models, its setting is not in the catalogue, or
                the one given holds other data or other nets.
        """
        return self._reviver().revive(self, setting, method)

    @checked_arguments
    def export(self, folder: str | Path, setting: Any = None, method: Any = None) -> Exported:
        """Write the deployed student for use elsewhere, with a description of the run.

        Written are ``student.pt`` (state dict), ``student.safetensors``, ``student.pt2`` (torch.export),
        ``student.onnx`` where onnx and onnxscript are installed, and ``run.json``. A form that a net cannot take is left
        out and named with the reason.

        Args:
            folder: made if it is not there.
            setting: as in ``revive``.
            method: as in ``revive``.

        Raises:
            ValueError: as ``revive``, or the student is not a net.
            OSError: the folder cannot be written; the message names the file.
        """
        return self._reviver().export(self, Path(folder), setting, method)

    def _reviver(self) -> Reviver:
        if self.reviver is None:
            raise ValueError(f"run {self.id} was not made by distill or a store, so it has no models to revive")
        return self.reviver

    @checked_arguments
    def differences(self, other: Run, *, party: str = "student") -> pd.DataFrame:
        """The test samples on which this run and another one answer differently, the most confident of them first.

        Of classes, the answer is the class of the largest output; ``confidence`` is its softmax probability and the
        table is sorted by the smaller confidence of the two. Of other outputs it is the output, and the table is sorted
        by the distance between the two.

        Args:
            other: scored on the same test samples.
            party: whose answers are compared.

        Returns:
            A row per sample: ``id``, ``label``, then ``answer``, ``confidence`` and ``correct`` of each run.

        Raises:
            KeyError: a run has no predictions of that party; the message lists those it has.
            ValueError: the runs were scored on other samples, or their outputs have other shapes.
        """
        return differences(self, other, party)


def differences(run: Run, other: Run, party: str) -> pd.DataFrame:
    """See ``Run.differences``."""
    import pandas as pd

    first, second = (_outputs(each, party) for each in (run, other))
    if not np.array_equal(run.test_ids, other.test_ids):
        raise ValueError(f"runs {run.id} and {other.id} were scored on different test samples")
    if first.shape != second.shape:
        raise ValueError(f"the outputs of {run.id} have shape {first.shape}, those of {other.id} {second.shape}")
    names = ("this", "other")
    table = {"id": run.test_ids, "label": _cells(run.test_labels)}
    if _of_classes(run, first):
        sides = [_answers(outputs, run.test_labels) for outputs in (first, second)]
        for column in ("answer", "confidence", "correct"):
            table |= {f"{column} ({name})": side[column] for name, side in zip(names, sides, strict=True)}
        differ = sides[0]["answer"] != sides[1]["answer"]
        rank = np.minimum(sides[0]["confidence"], sides[1]["confidence"])
    else:
        rank = np.abs(first.astype(np.float64) - second).reshape(len(first), -1).mean(1)
        table |= {f"answer ({name})": _cells(outputs) for name, outputs in zip(names, (first, second), strict=True)}
        table["distance"], differ = rank, rank > 0
    rows = np.flatnonzero(differ)
    return pd.DataFrame(table).iloc[rows[np.argsort(-rank[rows], kind="stable")]].reset_index(drop=True)


def _outputs(run: Run, party: str) -> np.ndarray:
    if party not in run.predictions:
        there = ", ".join(run.predictions) or "none"
        raise KeyError(f"run {run.id} has no predictions of {party!r}; it has {there}")
    return run.predictions[party]


def _of_classes(run: Run, outputs: np.ndarray) -> bool:
    """Whether a row of outputs holds the logits of one class label."""
    return outputs.ndim == 2 and run.test_labels.ndim == 1 and run.test_labels.dtype.kind in "iu"


def _answers(outputs: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    powers = np.exp(outputs.astype(np.float64) - outputs.max(1, keepdims=True))
    answer = outputs.argmax(1)
    return {"answer": answer, "confidence": (powers / powers.sum(1, keepdims=True)).max(1), "correct": answer == labels}


def _cells(values: np.ndarray) -> list[object]:
    return list(values) if values.ndim > 1 else values.tolist()
