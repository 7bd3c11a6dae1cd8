"""Where do nets lie, of one training or of several seeds, on the plane that shows most of their differences?

How it is measured: the weights of the nets are points. The plane goes through their mean along their first two principal
components, and the loss is measured on a grid of it. A run gives the weights after each epoch that its student trains on
by plain SGD; a study the students of its seeds, their hidden units put in the order of the first.

Formula:
    surface(a, b) = L(m + a u1 + b u2), m the mean of the points, u1 and u2 their principal directions, of norm one
    explained = squared singular values of the centred points over their sum;  off = |w - on the plane| / |w - m|
Reading it: a path that falls into a valley and turns along it, or seeds that sit in valleys of their own.
When it misleads: the loss on the plane is not that of a point that lies off it. Of many seeds no plane shows much, and of
three any shows all: T points without structure have 2 / (T - 1) in theirs. Two directions exaggerate how smooth a path is.
After: Li et al. 2018, section 7. Theirs goes through the last net; ours through the mean, so that no net is singled out.
Cost: 625 losses; 0.5 s for 2,410 parameters and 256 samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.arrays import numbers
from workbench.diagnostics.divergence.measure import runs_of
from workbench.diagnostics.divergence.measure_alignment import Weights, aligned, chain_of, weights_of
from workbench.diagnostics.divergence.measure_steps import BATCH, last_steps
from workbench.diagnostics.flatness.measure_models import loss_of, models_of, nets_of
from workbench.diagnostics.flatness.measure_objective import pieces_of
from workbench.diagnostics.flatness.measure_turns import Tell
from workbench.records.arguments import checked_arguments
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.study import Study
from workbench.records.wording import number, percent, plural

if TYPE_CHECKING:
    from workbench.diagnostics.flatness.measure_objective import Objective
    from workbench.settings.setting import Setting

STEPS, ROOM, FEWEST = 25, 0.25, 3
PROVENANCE = {
    "paper": "Li et al.: Visualizing the Loss Landscape of Neural Nets, NeurIPS 2018, arXiv:1712.09913",
    "fidelity": "corrected",
    "ours": "the plane goes through the mean of the nets, not through the last one",
}


@dataclass(frozen=True)
class Trajectory(Result):
    """T nets on the plane of their first two principal components.

    Attributes:
        points: their T names.
        path: True if they are one after another.
        places: (T, 2) coordinates on the plane, in units of weights.
        off: (T,) share of each net's distance from the mean that is off the plane.
        losses: (T,) of the nets themselves.
        explained: (2,) share of the squared distances from the mean along each direction.
        grid: (S,) coordinates along both.
        surface: (S, S) losses on the plane, rows along the second direction.
        n: samples.
        warnings: what weakens it.
        provenance: the paper, and what is ours.
    """

    points: tuple[str, ...]
    path: bool
    places: np.ndarray
    off: np.ndarray
    losses: np.ndarray
    explained: np.ndarray
    grid: np.ndarray
    surface: np.ndarray
    n: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """The shares of both directions, then the loss of every net."""
        shares = [
            {"quantity": f"explained by direction {k + 1}", "value": float(s)} for k, s in enumerate(self.explained)
        ]
        losses = zip(self.points, self.losses, strict=True)
        return [*shares, *({"quantity": f"{name}: loss", "value": float(loss)} for name, loss in losses)]

    def explain(self) -> str:
        """What the plane shows, in one paragraph."""
        nets, losses = len(self.points), self.losses[np.isfinite(self.losses)]
        text = f"The plane holds {percent(self.explained.sum())} of the squared distances of {plural(nets, 'net')} from their mean"
        text += (
            f"; two of {nets - 1} directions without structure would hold {percent(2 / (nets - 1))}."
            if nets > 3
            else "."
        )
        if len(losses):
            text += (
                f" The nets' own losses on {plural(self.n, 'sample')} lie between {number(losses.min())} and "
                f"{number(losses.max())}."
            )
        shown = self.surface[np.isfinite(self.surface)]
        return (
            f"{text} The highest loss on the shown part of the plane is {number(shown.max())}." if len(shown) else text
        )


@checked_arguments
def trajectory(
    objective: Objective,
    weights: ArrayLike,
    points: Sequence[str],
    *,
    path: bool = True,
    tell: Tell | None = None,
) -> Trajectory:
    """Draw the loss on the plane of some nets.

    Args:
        objective: the loss as a function of the weights.
        weights: (T, P) of each net.
        points: T names.
        path: True if they are one after another.
        tell: called with the share done in [0, 1] and a message.

    Raises:
        ValueError: there are fewer than three nets, they are all the same, or their weights are not those of the loss.
    """
    import torch

    nets = numbers(weights, "weights", shape="(T, P)", ndim=2).astype(np.float64)
    if nets.shape != (len(points), len(objective.weights)) or len(nets) < FEWEST or not np.ptp(nets, axis=0).any():
        raise ValueError(
            f"weights {nets.shape} of {len(points)} nets: needed are {FEWEST} or more that differ, each of "
            f"{len(objective.weights)} weights"
        )
    middle, tell = nets.mean(0), tell or (lambda share, words: None)
    _, values, directions = np.linalg.svd(nets - middle, full_matrices=False)
    places = (nets - middle) @ directions[:2].T
    missed = np.linalg.norm(nets - middle - places @ directions[:2], axis=1)
    reach = (1 + ROOM) * np.abs(places).max()
    grid = np.linspace(-reach, reach, STEPS)
    surface = np.empty((STEPS, STEPS))
    for row, b in enumerate(grid):
        tell(row / STEPS, "loss on the plane")
        for column, a in enumerate(grid):
            surface[row, column] = objective.value(torch.as_tensor(middle + a * directions[0] + b * directions[1]))
    return Trajectory(
        points=tuple(points),
        path=path,
        places=places,
        off=missed / np.linalg.norm(nets - middle, axis=1).clip(min=np.finfo(float).tiny),
        losses=np.array([objective.value(torch.as_tensor(each)) for each in nets]),
        explained=np.square(values[:2]) / np.square(values).sum(),
        grid=grid,
        surface=surface,
        n=objective.count,
        warnings=(),
        provenance=dict(PROVENANCE),
    )


@checked_arguments
def trajectory_of(
    thing: Run | Study,
    setting: Setting | None = None,
    *,
    arm: str = "",
    epochs: int = 20,
    samples: int = 256,
    tell: Tell | None = None,
) -> Trajectory:
    """The epochs for which a run's student trains on, or the students of a study's arm over its seeds.

    Args:
        thing: a run, or a study that knows its store.
        setting: of the runs; made again from the catalogue if None.
        arm: of the study; its first method if empty.
        epochs: of a run.
        samples: of the training set, at most.
        tell: called with the share done in [0, 1] and a message.

    Raises:
        ValueError: as ``trajectory`` and ``flatness_of``.
        KeyError: the study has no such arm.
    """
    runs = [thing] if isinstance(thing, Run) else runs_of(thing, arm)
    nets = nets_of(runs[0], setting, None, "labels", samples)
    if isinstance(thing, Run):
        rows, names, notes = *_trained_on(thing, nets.models, nets.setting, epochs), []
    else:
        rows, notes = _seeds([models_of(run, nets.setting)[0]["student"] for run in runs])
        names = [f"seed {run.seed}" for run in runs]
    found = trajectory(nets.objectives["student"], rows, names, path=isinstance(thing, Run), tell=tell)
    return replace(found, warnings=(*nets.notes, *notes))


def _trained_on(run: Run, models: Any, setting: Setting, epochs: int) -> tuple[np.ndarray, list[str]]:
    """From its final weights on, by plain SGD on the loss of its distillation, or on the labels of a regression."""
    kind = "kd" if "teacher" in models and setting.task == "classification" else "labels"
    teacher = models["teacher"] if kind == "kd" else None
    pieces, start = (
        pieces_of(setting.train, teacher, samples=len(setting.train), size=BATCH),
        weights_of(models["student"]),
    )
    walked = last_steps(models["student"], start, pieces, loss_of(run, kind), epochs)
    return np.vstack([_flat(start), walked]), ["as distilled", *(f"epoch +{k + 1}" for k in range(epochs))]


def _seeds(students: Sequence[Any]) -> tuple[np.ndarray, list[str]]:
    chain, weights, notes = chain_of(students[0]), [weights_of(student) for student in students], []
    if chain is None:
        notes.append("no plain chain of layers: hidden units were left in the order they are in")
    else:
        weights = [aligned(each, weights[0], chain) for each in weights]
    if any(True for _ in students[0].buffers()):
        notes.append("running statistics of norms are those of the first net everywhere")
    return np.stack([_flat(each) for each in weights]), notes


def _flat(weights: Weights) -> np.ndarray:
    return np.concatenate([each.ravel() for each in weights.values()])
