"""How far is what a student learns from what its teacher learns, as far as one can tell from outside?

How it is measured: by several estimators of K_n, the divergence of the distribution of trained students from that of
trained teachers, each with the side on which it errs: from the probabilities over seeds (``divergence_predictive``), from
Gaussians over functions (``divergence_functional``), over weights where both share their space
(``divergence_parameters``), and from linear readouts (``divergence_heads``). Beside them stand the generalization gaps.

Formula: K_n = E_D KL( P_student(. | D) || P_teacher(. | D) ), in nats; estimators: see their modules.
Reading it: compare an estimate with the same estimate of a student that never heard the teacher. ``pred_seed`` and
``func_gauss`` have their floors, what the luck of as many seeds adds, taken off; other estimates stand beside theirs.
When it misleads: one run is one seed of each: its estimate has no floor. Estimates of different kinds do not compare.
After: the distillation divergence of Li & He 2026; the estimators are ours: a reconstruction, not the paper's theorem.
Cost: two passes of each net over training and test samples; a second for 5 seeds on digits, 20 s with 12.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.divergence.measure_estimate import MEANING, Estimate
from workbench.diagnostics.divergence.measure_functional import func_gauss
from workbench.diagnostics.divergence.measure_gaps import LOSSES, Gaps
from workbench.diagnostics.divergence.measure_models import Heads, Spaces, collected
from workbench.diagnostics.divergence.measure_parameters import param_isotropic, param_sgld, param_swag
from workbench.diagnostics.divergence.measure_predictive import pred_pairs, pred_seed, seeds_of
from workbench.diagnostics.divergence.measure_source import provenance
from workbench.diagnostics.linear_gaussian.measure_costs import PARTS, LinearTeacher
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, bounds
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.study import Study
from workbench.records.wording import number, plural, signed

if TYPE_CHECKING:
    from workbench.settings.setting import Setting

Tell = Callable[[float, str], object]

RHO = 0.1

NOT_HERE = {
    "param_isotropic": "no weights were given; it needs nets of one architecture",
    "linear_exact": "no common features were given",
    "param_laplace": "it needs last layers on the same frozen features: ask param_laplace(features, ...)",
    "param_swag": "it needs nets of one architecture that train on for a while: divergence_of(..., swag=20) does that",
    "param_sgld": "it needs nets of one architecture and chains of their weights: divergence_of(..., sgld=400) does that",
}

SMALLEST = 1e-6


@dataclass(frozen=True)
class Divergence(Result):
    """Estimates of the distillation divergence, in nats, and the generalization gaps.

    Attributes:
        values: by estimator, with intervals over seeds (over samples where there is one seed).
        sides: by estimator, on which side it errs.
        floors: by estimator, what groups of one party give, as large as those compared; NaN where there is one seed.
        parts: by estimator, of which it consists and what else is known.
        refused: by estimator that does not apply, why not.
        student_gaps: (m, 2) test minus training loss of each student, for both ``LOSSES``.
        teacher_gaps: (k, 2) of each different teacher.
        taught_by: (m,) which of the teachers taught each student.
        students: how many.
        teachers: how many different ones.
        n: test samples.
        seed: of everything random.
        warnings: what weakens the numbers.
        provenance: that it is a reconstruction.
    """

    values: dict[str, Interval]
    sides: dict[str, str]
    floors: dict[str, float]
    parts: dict[str, dict[str, float]]
    refused: dict[str, str]
    student_gaps: np.ndarray
    teacher_gaps: np.ndarray
    taught_by: np.ndarray
    students: int
    teachers: int
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """A row per estimate with its side and floor, then the mean gaps."""
        found: list[dict[str, Any]] = [
            {
                "quantity": name,
                "value": value.mean,
                "low": value.low,
                "high": value.high,
                "floor": self.floors[name],
                "side": self.sides[name],
            }
            for name, value in self.values.items()
        ]
        for party, gaps in (("student", self.student_gaps), ("teacher", self.teacher_gaps)):
            found += [
                {"quantity": f"{party} gap, {loss}", "value": float(g)}
                for loss, g in zip(LOSSES, gaps.mean(0), strict=True)
            ]
        return found

    def explain(self) -> str:
        """What is known of the divergence, in one paragraph."""
        value, floor = self.values["pred_seed"], self.floors["pred_seed"]
        luck = f"{bounds(value)}, after taking off the {number(floor)} that the luck of so few seeds adds"
        against = "with no floor to judge it by" if np.isnan(floor) else luck
        gaps = [signed(g.mean(0)[1]) for g in (self.student_gaps, self.teacher_gaps)]
        known = f" From training to test the Brier score changes by {gaps[0]} for the student and {gaps[1]} for the teacher."
        who = f"Averaged over {plural(self.students, 'student')} and {plural(self.teachers, 'teacher')}, the probabilities"
        if self.students == self.teachers == 1:
            who = "The probabilities of student and teacher"
        return (
            f"{who} are {number(value.mean)} nats apart on {plural(self.n, 'sample')} ({against})."
            f"{'' if np.isnan(self.student_gaps).any() else known} ({self.provenance['ours']}.)"
        )


@checked_arguments
def divergence(
    student_logits: ArrayLike,
    teacher_logits: ArrayLike,
    *,
    gaps: Gaps | None = None,
    heads: Heads | None = None,
    spaces: Spaces | None = None,
    rho: float = RHO,
    seed: Seed = 0,
) -> Divergence:
    """Estimate the divergence of students from teachers.

    Args:
        student_logits: (m, N, C) of m seeds, or (N, C) of one.
        teacher_logits: (k, N, C) on the same samples.
        gaps: of both sides, as ``generalization_gaps`` gives them.
        heads: inputs and outputs of linear readouts.
        spaces: weights in one space.
        rho: width of the Gaussians around weights.
        seed: of everything random.

    Raises:
        ValueError: the logits do not go together or are not finite, or the width is not positive.
    """
    if not rho > 0:
        raise ValueError(f"rho = {rho} must be positive: it is the width of the Gaussians around weights")
    student, teacher = seeds_of(student_logits, teacher_logits)
    asked: dict[str, Callable[[], Estimate]] = {
        "pred_seed": lambda: pred_seed(student, teacher, seed),
        "pred_pairs": lambda: pred_pairs(student, teacher),
        "func_gauss": lambda: func_gauss(student, teacher, seed),
    }
    if spaces is not None:
        asked |= _over_weights(spaces, rho)
    if heads is not None:
        asked["linear_exact"] = lambda: linear_exact(*heads)
    found, refused = {}, {name: why for name, why in NOT_HERE.items() if name not in asked}
    for name, ask in asked.items():
        try:
            found[name] = ask()
        except ValueError as error:
            refused[name] = str(error)
    unknown = [np.full((len(each), len(LOSSES)), np.nan) for each in (student, teacher)]
    gaps = gaps or Gaps(*unknown, np.zeros(len(student), int))
    return Divergence(
        values={name: each.value for name, each in found.items()},
        sides={name: MEANING[name] for name in found},
        floors={name: each.floor for name, each in found.items()},
        parts={name: each.parts for name, each in found.items()},
        refused=refused,
        student_gaps=gaps.students,
        teacher_gaps=gaps.teachers,
        taught_by=gaps.taught_by,
        students=len(student),
        teachers=len(teacher),
        n=student.shape[1],
        seed=seed,
        warnings=tuple(dict.fromkeys(warning for each in found.values() for warning in each.warnings)),
        provenance=provenance("estimators of the divergence"),
    )


def _over_weights(spaces: Spaces, rho: float) -> dict[str, Callable[[], Estimate]]:
    layers = {name: weights.size for name, weights in spaces.teachers[0].items()}
    asked = {"param_isotropic": lambda: param_isotropic(spaces.students, spaces.teachers, rho)}
    if (steps := spaces.steps) is not None:
        asked["param_swag"] = lambda: param_swag(*steps, layers)
    if (chains := spaces.chains) is not None:
        asked["param_sgld"] = lambda: param_sgld(*chains, layers)
    return asked


@checked_arguments
def divergence_of(
    thing: Run | Study,
    setting: Setting | None = None,
    *,
    arm: str = "",
    rho: float = RHO,
    swag: int = 0,
    sgld: int = 0,
    tell: Tell | None = None,
) -> Divergence:
    """The divergence of a study's students from their teachers over its seeds, or what one run says of it.

    Args:
        thing: a study that knows its store, or a run with its models.
        setting: of the runs; made again from the catalogue if None.
        arm: of the study; its first method if empty.
        rho: width of the Gaussians around weights.
        swag: epochs for which the first student and its teacher train on, where they share an architecture; 0 for none.
        sgld: places of a Langevin chain of the same two, likewise; a few hundred for small nets.
        tell: called with the share done in [0, 1] and a message; runs that are asked already count when it raises ``StopIteration``.

    Raises:
        KeyError: the study has no such arm.
        ValueError: the runs cannot be revived, have no teacher, or are no classifications.
    """
    runs = [thing] if isinstance(thing, Run) else runs_of(thing, arm)
    found = collected(runs, setting, tell, swag=swag, sgld=sgld)
    made = divergence(
        found.student_logits,
        found.teacher_logits,
        gaps=found.gaps,
        heads=found.heads,
        spaces=found.spaces,
        rho=rho,
    )
    return replace(made, refused=made.refused | found.reasons, warnings=(*made.warnings, *found.warnings))


def runs_of(study: Study, arm: str = "") -> list[Run]:
    """The finished runs of one arm, seed by seed; of the first method if none is named.

    Raises:
        KeyError: no such arm; the message lists those there are.
        ValueError: it has no finished run.
    """
    methods = [name for name, each in study.arms.items() if each.role == "method"]
    arm = arm or next(iter(methods), study.control)
    if arm not in study.arms:
        raise KeyError(f"no arm {arm!r}; there are {', '.join(study.arms)}")
    seeds = [outcome.seed for outcome in study.arms[arm].outcomes]
    if not seeds:
        raise ValueError(f"arm {arm!r} has no finished run")
    return [study.run(arm, seed) for seed in seeds]


def linear_exact(
    features: ArrayLike,
    student_outputs: ArrayLike,
    teacher_outputs: ArrayLike,
    probes: ArrayLike,
    *,
    ridge: float = 1.0,
) -> Estimate:
    """The exact divergence of two Bayesian linear heads, and its parts.

    Args:
        features: (N, D) that both heads are fitted on.
        student_outputs: (N, k) that the student's head is fitted to.
        teacher_outputs: (N, k) likewise.
        probes: (n, D) on which they are compared.
        ridge: precision of both priors.

    Raises:
        ValueError: the shapes do not go together, a value is not finite, or the ridge is not positive.
    """
    arrays = [np.asarray(each, np.float64) for each in (features, student_outputs, teacher_outputs, probes)]
    fitted, student, teacher, asked = arrays
    if (
        fitted.ndim != 2
        or student.shape != teacher.shape
        or len(student) != len(fitted)
        or asked.shape[1:] != fitted.shape[1:]
    ):
        raise ValueError(
            f"features {fitted.shape}, student {student.shape}, teacher {teacher.shape} and probes {asked.shape} must be "
            "(N, D), twice (N, k), and (n, D)"
        )
    if not ridge > 0 or not all(np.isfinite(each).all() for each in arrays):
        raise ValueError(f"ridge = {ridge} must be positive and all values finite")
    mean, covariance, _ = _head(fitted, student, asked, ridge)
    wanted, allowed, noise = _head(fitted, teacher, asked, ridge)
    costs = LinearTeacher(wanted, asked.T, allowed).costs(mean, covariance)
    parts = dict(zip(PARTS, costs, strict=True)) | {"noise": noise**0.5, "probes": float(len(asked))}
    return Estimate(Interval(costs.total, np.nan, np.nan, 1, "none"), parts=parts)


def _head(
    features: np.ndarray, outputs: np.ndarray, probes: np.ndarray, ridge: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Weights (k, D), covariance (n, n) of the prediction on the probes, and the variance of the noise."""
    noise = max(_left_over(features, outputs, ridge), SMALLEST)
    scatter = np.linalg.inv(features.T @ features / noise + ridge * np.eye(features.shape[1]))
    return outputs.T @ features / noise @ scatter, noise * np.eye(len(probes)) + probes @ scatter @ probes.T, noise


def _left_over(features: np.ndarray, outputs: np.ndarray, ridge: float) -> float:
    """Mean squared residual of a ridge fit."""
    gram = features.T @ features + ridge * np.eye(features.shape[1])
    return float(np.square(outputs - features @ np.linalg.solve(gram, features.T @ outputs)).mean())
