"""How flat is the loss around the student, its teacher and its control?

How it is measured: by the curvature of the loss at the weights (``curvature``), by its largest rise in a small ball, and
by its mean rise under noise of growing size (``flatness_sharpness``), on some training samples, in evaluation mode and in
float64. Noise comes in two kinds: the same for every weight, and in shares of each filter's norm.

Formula: those of ``curvature`` and ``flatness_sharpness``; with student and teacher in one space of weights, the smoothed
bound, rho* and rho0 of ``flatness_radius``.
Reading it: compare nets of one architecture at equal loss. Across architectures only the rise in shares of the filter
norms and the adaptive sharpness mean anything, and even these only roughly.
When it misleads: rescaling layers changes every measure that is neither adaptive nor relative; a net trained to a smaller
loss is flatter by that alone. Flatness is not generalisation.
After: the tools of Foret et al. 2021, Kwon et al. 2021, Li et al. 2018, Ghorbani et al. 2019, Jiang et al. 2020 and Petzka
et al. 2021; the smoothed bound after Li & He 2026: a reconstruction, not the paper's theorem.
Cost: per net some 300 products with the Hessian and 600 losses; 2 s for 2,410 parameters and 14 s for 301,066 on 256
samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from workbench.diagnostics.divergence.measure_source import provenance
from workbench.diagnostics.flatness.measure_models import nets_of, pair_of
from workbench.diagnostics.flatness.measure_numbers import MEASURES, RADII, SHARES, STACKED, measured
from workbench.diagnostics.flatness.measure_radius import Smoothed
from workbench.diagnostics.flatness.measure_turns import Tell, in_turn
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.wording import number, plural

if TYPE_CHECKING:
    from workbench.diagnostics.flatness.measure_objective import Objective
    from workbench.settings.setting import Setting

PAIR = ("distance", "rho_star", "bound_star", "rho_zero")
PROVENANCE = provenance("rho*, rho0 (operational) and the smoothed bound") | {
    "tools": "Foret et al. 2021; Kwon et al. 2021; Li et al. 2018; Ghorbani et al. 2019; Jiang et al. 2020; Petzka et "
    "al. 2021"
}


@dataclass(frozen=True)
class Flatness(Result):
    """Curvature, worst case and mean rise of the loss around M nets.

    Attributes:
        models: their M names.
        loss: which one: ``labels`` or ``kd``.
        measures: by model, its ``loss``, norm of the ``slope``, ``top`` and ``bottom`` eigenvalue, rise after SAM's
            ``one_step``, in the ``ascent`` and in the ``adaptive`` ball, ``tolerated`` noise, ``relative`` flatness of the
            last layer, and ``parameters``.
        traces: by model, of the Hessian, with intervals over random vectors.
        gauss_newton: by model, of the Gauss-Newton matrix, likewise.
        radius: of the ball.
        adaptive_radius: of the one in which each weight is measured against its size.
        grid: (M, G) eigenvalues.
        density: (M, G) share of the spectrum at each of them, per unit.
        radii: (R,) standard deviations of the noise.
        rises: (M, R) mean rise of the loss.
        errors: (M, R) its standard errors over directions.
        shares: (S,) sizes of the noise in shares of each filter's norm.
        share_rises: (M, S) mean rise there.
        share_errors: (M, S) likewise.
        smoothed: (R,) the smoothed bound of student and teacher for the Brier score; NaN if they share no space.
        distance: of their weights, hidden units put in the same order; NaN likewise.
        rho_star: the radius that is best for it.
        bound_star: the bound there.
        rho_zero: the operational one.
        n: samples.
        seed: of everything random.
        warnings: what was not reached, or does not apply.
        provenance: the papers, and what is reconstructed.
    """

    models: tuple[str, ...]
    loss: str
    measures: dict[str, dict[str, float]]
    traces: dict[str, Interval]
    gauss_newton: dict[str, Interval]
    radius: float
    adaptive_radius: float
    grid: np.ndarray
    density: np.ndarray
    radii: np.ndarray
    rises: np.ndarray
    errors: np.ndarray
    shares: np.ndarray
    share_rises: np.ndarray
    share_errors: np.ndarray
    smoothed: np.ndarray
    distance: float
    rho_star: float
    bound_star: float
    rho_zero: float
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """A row per model and measure, then those of the pair."""
        found: list[dict[str, Any]] = []
        for model in self.models:
            for name, trace in (("trace", self.traces[model]), ("Gauss-Newton trace", self.gauss_newton[model])):
                found.append({"quantity": f"{model} {name}", "value": trace.mean, "low": trace.low, "high": trace.high})
            found += [{"quantity": f"{model} {name}", "value": self.measures[model][name]} for name in MEASURES]
        return found + [{"quantity": name, "value": getattr(self, name)} for name in PAIR]

    def explain(self) -> str:
        """How flat they are, in one paragraph."""
        each = [self._of(model) for model in self.models]
        loss = "distillation" if self.loss == "kd" else "label"
        text = f"Curvature of the {loss} loss on {plural(self.n, 'sample')}. {'; '.join(each)}."
        if np.isnan(self.distance):
            return text
        bound = (
            "the smoothed bound is vacuous at every radius"
            if np.isnan(self.rho_zero)
            else f"the bound is not vacuous up to a radius of {number(self.rho_zero)}, its rho0 (operational)"
        )
        return (
            f"{text} Distance of the student's weights from the teacher's: {number(self.distance)}. The smoothed bound adds "
            f"least, {number(self.bound_star)}, at a radius of {number(self.rho_star)}; {bound}. ({self.provenance['ours']}.)"
        )

    def _of(self, model: str) -> str:
        """The measures of one model."""
        found = {name: number(value) for name, value in self.measures[model].items()}
        return (
            f"{model}: trace {number(self.traces[model].mean)}, largest eigenvalue {found['top']}, change of the loss "
            f"{found['ascent']} within a radius of {number(self.radius)} and {found['adaptive']} within "
            f"{number(self.adaptive_radius)} of each weight's own size, relative flatness of the last layer {found['relative']}"
        )


@checked_arguments
def flatness(
    objectives: Mapping[str, Objective],
    pair: Smoothed | None = None,
    *,
    loss: str = "labels",
    radius: float = 0.05,
    adaptive_radius: float = 0.5,
    seed: Seed = 0,
    tell: Tell | None = None,
) -> Flatness:
    """Measure the flatness of several nets.

    Args:
        objectives: by model, its loss as a function of its weights, all on as many samples.
        pair: the smoothed bound of student and teacher on ``RADII``, if they share a space.
        loss: its name.
        radius: of the ball in which the largest rise is looked for.
        adaptive_radius: of the ball in which each weight is measured against its size.
        seed: of everything random.
        tell: called with the share done in [0, 1] and a message; models that are done are kept when it raises ``StopIteration``.

    Raises:
        ValueError: there is no net, or a radius is not positive.
    """
    balls = (radius, adaptive_radius)
    done, warnings = in_turn(objectives, lambda each, within: measured(each, balls, seed, within), tell)
    warnings = [*(f"{model}: {why}" for model, each in done.items() for why in each["warnings"]), *warnings]
    return Flatness(
        models=tuple(done),
        loss=loss,
        measures={model: found["measures"] for model, found in done.items()},
        traces={model: found["trace"] for model, found in done.items()},
        gauss_newton={model: found["gauss_newton"] for model, found in done.items()},
        radius=radius,
        adaptive_radius=adaptive_radius,
        radii=np.array(RADII),
        shares=np.array(SHARES),
        **{name: np.stack([found[name] for found in done.values()]) for name in STACKED},
        **_of_pair(pair),
        n=next(iter(objectives.values())).count,
        seed=seed,
        warnings=tuple(warnings),
        provenance=dict(PROVENANCE),
    )


@checked_arguments
def flatness_of(
    run: Run,
    setting: Setting | None = None,
    *,
    control: Run | None = None,
    loss: Literal["labels", "kd"] = "labels",
    samples: int = 256,
    tell: Tell | None = None,
) -> Flatness:
    """The flatness of a run's student and teacher, and of another run's student as the control, on training samples.

    Args:
        run: a classification, or a regression, whose models are nets.
        setting: of the run; made again from the catalogue if None.
        control: a run of the same setting.
        loss: that of the labels (cross-entropy, squared error), or the distillation loss with the run's temperature
            and weights (Hinton's where its method has none).
        samples: of the training set, at most.
        tell: as for ``flatness``.

    Raises:
        ValueError: the run cannot be revived, is about tokens or pixels, or none of its models has parameters.
    """
    nets = nets_of(run, setting, control, loss, samples)
    pair, why = pair_of(nets.models, nets.setting, samples)
    found = flatness(nets.objectives, pair, loss=loss, tell=tell)
    return replace(found, warnings=(*found.warnings, *nets.notes, *why))


def _of_pair(pair: Smoothed | None) -> dict[str, Any]:
    if pair is None:
        return {"smoothed": np.full(len(RADII), np.nan)} | dict.fromkeys(PAIR, float("nan"))
    return {"smoothed": pair.bounds} | {name: getattr(pair, name) for name in PAIR}
