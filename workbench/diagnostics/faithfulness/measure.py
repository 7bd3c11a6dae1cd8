"""Do the maps of an attribution say what the model really uses?

How it is measured: places are replaced by the baseline in the order of the map, the most important first (deletion), or
put into the baseline in that order (insertion), and the score F is asked after each portion; the same in a random order
is the control. Further: how far the map predicts what random perturbations do (infidelity), how much it moves when the
input is nudged (sensitivity), and whether it depends on the weights at all: layer by layer from the top, the weights
are shuffled and the map is made again.

Formula: with A the map, x0 the baseline, and f the score as a share of the way from F(x0) to F(x) (means over samples),
    deletion, insertion = area under f over the share of places replaced, in 0 .. 1
    gain = random deletion - deletion, and insertion - random insertion, paired by sample
    infidelity = E (sum A I - (F(x) - F(x - I (x - x0))))^2 / E (F(x) - F(x - I (x - x0)))^2 over random sets I of places
    sensitivity = max over nudges of |A(x + nudge) - A(x)| / |A(x)|
    dependence: Spearman of |A| before and after the layers down to this one are shuffled

Reading it: gains above zero mean that the map's order is better than chance; infidelity 0 is a map that adds up to every
perturbation, 1 no better than a map of zeros. The last likeness should be near that of unrelated maps.
When it misleads: replaced places make inputs the model has never seen. Infidelity with a map in units of F rewards
additive models.
After: Petsiuk et al. 2018 (deletion and insertion); Yeh et al. 2019 (infidelity, through captum, here for sets of places
as what I (x - x0) takes away; sensitivity); Adebayo et al. 2018 (cascading randomisation; shuffled here, not drawn anew).
Cost: 4 x 11 forward passes, and one attribution for each layer and each nudge; 32 digits in 2 s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.diagnostics.attribution.measure_plan import Plan
from workbench.diagnostics.attribution.measure_summary import mean_over_samples
from workbench.maths.resampling import bootstrap_means
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, bounds
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.records.wording import number, plural

if TYPE_CHECKING:
    from workbench.settings.setting import Setting

SAMPLES = 32
ALIKE = 0.5
ORDERS = ("deletion", "insertion", "random deletion", "random insertion")
PROVENANCE = {
    "paper": "Yeh et al.: On the (In)fidelity and Sensitivity of Explanations, NeurIPS 2019, arXiv:1901.09392",
    "fidelity": "proposed",
    "ours": "distillation scores as what is explained, random orders as control, sets of places, shuffled weights",
}
Tell = Callable[[float, str], object]


@dataclass(frozen=True)
class Faithfulness(Result):
    """How far the maps of one model can be trusted, for N samples.

    Attributes:
        plan: what was explained and how; see ``Plan``.
        party: whose maps they are.
        shares: (S,) share of places replaced, from 0 to 1.
        curves: (4, S, N) the score as each of ``ORDERS`` goes on.
        mean_curves: (4, S) their means, as shares of the way from the baseline to the input.
        low_curves, high_curves: (4, S) bounds of these, over samples.
        deletion_gain: random minus the map's own order, as a share of the score's way.
        insertion_gain: the map's own order minus random, likewise.
        infidelity: in shares of what the perturbations do; NaN interval where they do nothing.
        sensitivity: largest change of a map under small nudges, relative to the map.
        layers: names from the top down, as they were shuffled one after another.
        dependence: (L, N) likeness to the map of the trained model after each.
        dependence_mean: (L,) its means over samples.
        ids: (N,) sample ids.
        n: samples.
        seed: of everything random.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
    """

    plan: dict[str, Any]
    party: str
    shares: np.ndarray
    curves: np.ndarray
    mean_curves: np.ndarray
    low_curves: np.ndarray
    high_curves: np.ndarray
    deletion_gain: Interval
    insertion_gain: Interval
    infidelity: Interval
    sensitivity: Interval
    layers: tuple[str, ...]
    dependence: np.ndarray
    dependence_mean: np.ndarray
    ids: np.ndarray
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        score = self.plan["score"]
        text = (
            f"Places are replaced by the baseline, or put back, in the order of the {self.party}'s maps and in random order, "
            f"over {plural(self.n, 'sample')}. Share of the change of {score} that the maps' order is ahead of the random one "
            f"by: {number(self.deletion_gain.mean)} when replacing ({bounds(self.deletion_gain)}), "
            f"{number(self.insertion_gain.mean)} when putting back ({bounds(self.insertion_gain)}). Infidelity "
            f"{number(self.infidelity.mean)} (a map of zeros has 1), sensitivity {number(self.sensitivity.mean)}."
        )
        if len(self.layers):
            last = number(self.dependence_mean[-1])
            text += f" Rank correlation of the maps with those after all weights were shuffled: {last}."
        return text


@checked_arguments
def faithfulness(
    curves: np.ndarray,
    shares: np.ndarray,
    *,
    infidelity: np.ndarray,
    sensitivity: np.ndarray,
    dependence: Mapping[str, np.ndarray],
    ids: np.ndarray,
    plan: Plan,
) -> Faithfulness:
    """Summarise what was measured on N samples.

    Args:
        curves: (4, S, N) scores in the ``ORDERS``; deletions start at the input, insertions at the baseline.
        shares: (S,) from 0 to 1.
        infidelity: (N, 2) squared error of the map's sums, and the squared changes themselves.
        sensitivity: (N,).
        dependence: by layer from the top, (N,) likeness after it was shuffled.
        ids: (N,).
        plan: what was explained.

    Raises:
        ValueError: the curves are of another shape.
    """
    if curves.ndim != 3 or curves.shape[:2] != (len(ORDERS), len(shares)):
        raise ValueError(f"curves {curves.shape} must be ({len(ORDERS)}, {len(shares)}, N)")
    way = float((curves[0, 0] - curves[0, -1]).mean())
    scaled = (curves - curves[0, -1]) / way if way else np.full(curves.shape, np.nan)
    areas = np.trapezoid(scaled, shares, axis=1) if way else scaled[:, 0]
    low, high = _bands(scaled, plan.seed)
    layered = np.stack(list(dependence.values())) if dependence else np.zeros((0, len(ids)))
    error, change = infidelity.T
    return Faithfulness(
        plan=plan.to_dict(),
        party="student",
        shares=shares,
        curves=curves,
        mean_curves=scaled.mean(2),
        low_curves=low,
        high_curves=high,
        deletion_gain=mean_over_samples(areas[2] - areas[0], plan.seed),
        insertion_gain=mean_over_samples(areas[1] - areas[3], plan.seed),
        infidelity=mean_over_samples(
            error / change.mean() if change.mean() > 0 else np.full(len(ids), np.nan), plan.seed
        ),
        sensitivity=mean_over_samples(sensitivity, plan.seed),
        layers=tuple(dependence),
        dependence=layered,
        dependence_mean=np.array([_known_mean(row) for row in layered]),
        ids=ids,
        n=len(ids),
        seed=plan.seed,
        warnings=_warnings(areas, layered, tuple(dependence), way),
        provenance=dict(PROVENANCE),
    )


@checked_arguments
def faithfulness_of(
    run: Run,
    setting: Setting | None = None,
    *,
    samples: int | Selection | Sequence[int] = SAMPLES,
    tell: Tell | None = None,
    **choices: Any,
) -> Faithfulness:
    """How far the maps of a run's student can be trusted, on test samples.

    Args:
        run: a finished run of a classification, with its models.
        setting: it was run on; made again if None and it is one of the catalogue.
        samples: how many, drawn at random, or which, by id.
        tell: called with the share done in [0, 1] and a message; ``StopIteration`` from it keeps what is done.
        **choices: of the ``Plan``, as in ``attribution_of``.

    Raises:
        ValueError: as ``attribution_of``.
    """
    from workbench.diagnostics.attribution.measure_source import Source
    from workbench.diagnostics.faithfulness.measure_numbers import measured

    source = Source.of(run, setting)
    plan = source.plan(choices)
    data = source.samples(samples, plan.seed)
    return faithfulness(**measured(source, data, plan, tell or (lambda share, words: None)), plan=plan)


def _known_mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def _bands(scaled: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bounds of all mean curves (4, S, N), from the same resamples of samples."""
    if not np.isfinite(scaled).all():
        return np.full(scaled.shape[:2], np.nan), np.full(scaled.shape[:2], np.nan)
    means = bootstrap_means(scaled.reshape(-1, scaled.shape[2]).T, seed=seed)
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return low.reshape(scaled.shape[:2]), high.reshape(scaled.shape[:2])


def _warnings(areas: np.ndarray, layered: np.ndarray, layers: tuple[str, ...], way: float) -> tuple[str, ...]:
    found = []
    if not way:
        found.append("the score at the inputs is that at the baselines: orders cannot be compared")
    elif way < 0:
        found.append("the score is lower at the inputs than at the baselines: the best places come last")
    elif (areas[2] - areas[0]).mean() <= 0:
        found.append("the maps order places no better than chance (deletion)")
    if layers and not _known_mean(layered[-1]) < ALIKE:
        found.append(
            f"with all weights shuffled the maps still look alike (rank correlation {_known_mean(layered[-1]):.2f}): they show "
            f"the input more than the model"
        )
    return tuple(found)
