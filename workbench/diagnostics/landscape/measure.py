"""What does the loss look like around each net, and on the way from one to another?

How it is measured: on a plane through the weights, spanned by two random directions whose every filter has the norm of
the net's own (Li et al. 2018); biases and norms are not moved. The two are made orthogonal filter by filter, so that the
norms stay as they are. Where two nets share an architecture, also on the straight line between them.

Formula:
    surface(a, b) = L(w + a d1 + b d2), d = direction * |w_f| / |direction_f| for every filter f
    line(t) = L((1 - t) control + t student);  barrier = max_t line(t) - (1 - t) line(0) - t line(1)
Reading it: a step of one replaces a net's filters by random ones of their size. A barrier says that the two lie in
different valleys.
When it misleads: two random directions out of thousands; another seed is another picture. Axes of different
architectures compare by filter norm only. A teacher is shown on its own inputs and at its own loss.
After: Li et al. 2018, section 4 (their option to leave biases and norms out); the line after Goodfellow et al. 2015.
Cost: 625 losses per net: 0.5 s for 2,410 parameters and 3 s for 301,066 on 256 samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from workbench.diagnostics.flatness.measure_models import nets_of
from workbench.diagnostics.flatness.measure_sharpness import noise_directions
from workbench.diagnostics.flatness.measure_turns import Tell, in_turn
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.wording import number, plural, signed

if TYPE_CHECKING:
    from torch import Tensor

    from workbench.diagnostics.flatness.measure_objective import Objective
    from workbench.settings.setting import Setting

Mode = Literal["corrected", "paper"]
STEPS, REACH, LINE = 25, 1.0, 31
PROVENANCE = {
    "paper": "Li et al.: Visualizing the Loss Landscape of Neural Nets, NeurIPS 2018, arXiv:1712.09913",
    "fidelity": "corrected",
    "ours": "the two directions are made orthogonal, filter by filter",
}


@dataclass(frozen=True)
class Landscape(Result):
    """Loss surfaces of M nets, and the line between two of them.

    Attributes:
        models: their M names.
        loss: which one: ``labels`` or ``kd``.
        steps: (S,) coordinates along both directions, in shares of the filter norms.
        surfaces: (M, S, S) losses, rows along the second direction.
        ends: names of the two nets of the line, empty if none share an architecture.
        places: (L,) shares of the way, from the first to the second.
        line: (L,) losses there; NaN where there is no line.
        barrier: how far it rises above the straight connection of its ends; NaN likewise.
        n: samples.
        seed: of the directions.
        warnings: what is missing.
        provenance: the paper, and what is ours.
    """

    models: tuple[str, ...]
    loss: str
    steps: np.ndarray
    surfaces: np.ndarray
    ends: tuple[str, ...]
    places: np.ndarray
    line: np.ndarray
    barrier: float
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """Loss at the weights and how far it rises within half a filter norm, by model, and the barrier."""
        found = [
            {"quantity": f"{model} {name}", "value": value}
            for model, numbers in self.numbers.items()
            for name, value in numbers.items()
        ]
        return [*found, {"quantity": "barrier", "value": self.barrier}]

    @property
    def numbers(self) -> dict[str, dict[str, float]]:
        """By model: the loss in the middle, and its mean rise on the circle of half a filter norm."""
        radius = np.hypot(*np.meshgrid(self.steps, self.steps))
        ring = np.abs(radius - 0.5) <= 0.75 * (self.steps[1] - self.steps[0])
        middle = len(self.steps) // 2
        return {
            model: {
                "loss": float(surface[middle, middle]),
                "rise": float(surface[ring].mean() - surface[middle, middle]),
            }
            for model, surface in zip(self.models, self.surfaces, strict=True)
        }

    def explain(self) -> str:
        """How steep it is around each, in one paragraph."""
        each = [
            f"{signed(found['rise'])} around the {model} (loss {number(found['loss'])})"
            for model, found in self.numbers.items()
        ]
        text = (
            f"Change of the loss on {plural(self.n, 'sample')} half a filter norm away, on a random plane: {', '.join(each)}. "
            "Axes compare across architectures only by filter norm."
        )
        if self.ends:
            text += (
                f" Barrier on the line from {self.ends[0]} to {self.ends[1]}, the largest excess of the loss over the straight "
                f"line between its ends: {signed(self.barrier)}."
            )
        return text


@checked_arguments
def landscape(
    objectives: Mapping[str, Objective],
    *,
    ends: tuple[str, ...] = (),
    loss: str = "labels",
    mode: Mode = "corrected",
    seed: Seed = 0,
    tell: Tell | None = None,
) -> Landscape:
    """Draw the loss around several nets.

    Args:
        objectives: by model, its loss as a function of its weights.
        ends: two of them between which the line is drawn; they must have the same shapes.
        loss: its name.
        mode: ``paper`` leaves the two random directions as they are drawn, as the released code does.
        seed: of the directions.
        tell: called with the share done in [0, 1] and a message; surfaces that are done are kept when it raises ``StopIteration``.

    Raises:
        ValueError: there is no net, or the ends differ in shape.
    """
    steps, places, line = np.linspace(-REACH, REACH, STEPS), np.linspace(0, 1, LINE), np.full(LINE, np.nan)
    done, warnings = in_turn(
        objectives, lambda each, within: _surface(each, steps, plane(each, seed, mode), within), tell
    )
    if ends and not warnings:
        line = _line(*(objectives[end] for end in ends), places)
    return Landscape(
        models=tuple(done),
        loss=loss,
        steps=steps,
        surfaces=np.stack([*done.values()]),
        ends=() if np.isnan(line).all() else tuple(ends),
        places=places,
        line=line,
        barrier=float((line - (1 - places) * line[0] - places * line[-1]).max()),
        n=next(iter(objectives.values())).count,
        seed=seed,
        warnings=tuple(warnings),
        provenance=PROVENANCE | ({"fidelity": "paper", "ours": "nothing"} if mode == "paper" else {}),
    )


@checked_arguments
def landscape_of(
    run: Run,
    setting: Setting | None = None,
    *,
    control: Run | None = None,
    loss: Literal["labels", "kd"] = "labels",
    mode: Mode = "corrected",
    samples: int = 256,
    tell: Tell | None = None,
) -> Landscape:
    """The landscape around a run's student and teacher, and around another run's student as the control.

    The line goes from the control to the student, or where there is none from the teacher to the student if these have
    the same architecture.

    Args:
        run: a classification, or a regression, whose models are nets.
        setting: of the run; made again from the catalogue if None.
        control: a run of the same setting.
        loss: that of the labels, or the distillation loss with the run's temperature and weights.
        mode: as for ``landscape``.
        samples: of the training set, at most.
        tell: as for ``landscape``.

    Raises:
        ValueError: the run cannot be revived, is about tokens or pixels, or none of its models has parameters.
    """
    nets, start = nets_of(run, setting, control, loss, samples), "control" if control is not None else "teacher"
    shapes = {model: each.shapes for model, each in nets.objectives.items()}
    alike = {start, "student"} <= set(shapes) and shapes[start] == shapes["student"]
    found = landscape(nets.objectives, ends=(start, "student") if alike else (), loss=loss, mode=mode, tell=tell)
    return replace(found, warnings=(*found.warnings, *nets.notes))


def plane(objective: Objective, seed: Seed = 0, mode: Mode = "corrected") -> tuple[Tensor, Tensor]:
    """Two directions (P,) whose filters have the norms of the net's own; orthogonal unless ``mode`` is ``paper``."""
    import torch

    from workbench.maths.filters import filter_normalised, orthogonal_in_filters
    from workbench.maths.hessian import flat, parts

    like = [torch.empty(shape) for shape in objective.shapes]
    first, second = (parts(each, like) for each in noise_directions(objective, draws=2, seed=seed))
    second = second if mode == "paper" else orthogonal_in_filters(second, first)
    weights = parts(objective.weights, like)
    return flat(filter_normalised(first, weights)), flat(filter_normalised(second, weights))


def _surface(objective: Objective, steps: np.ndarray, ways: tuple[Tensor, Tensor], tell: Tell) -> np.ndarray:
    across, up = ways
    found = np.empty((len(steps), len(steps)))
    for row, b in enumerate(steps):
        tell(row / len(steps), "surface")
        found[row] = [objective.value(objective.weights + a * across + b * up) for a in steps]
    return found


def _line(first: Objective, second: Objective, places: np.ndarray) -> np.ndarray:
    if first.shapes != second.shapes:
        raise ValueError("the two ends of the line differ in architecture: there is no straight way between them")
    ways = second.weights - first.weights
    return np.array([second.value(first.weights + float(place) * ways) for place in places])
