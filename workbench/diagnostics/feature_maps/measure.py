"""What in the input drives a feature of the interaction tensor, and how much of a score does each feature carry?

How it is measured: a feature of the tensor is, in one model, a direction u of a layer's features phi: that of the model's
component in this feature (the sum of them, turned alike, where there are several). How far a sample lies along it is
traced back to the input, and what the score gains on the way from the baseline is split among the model's components.

Formula: map of u: integrated gradients of u (phi(x) - mean);
    relevance of a component u: u (phi(x) - phi(x0)) * u g, with g the mean gradient of the score between phi(x0) and phi(x)
    rest: F(x) - F(x0) less the relevances of all components

Reading it: a feature with a large relevance for ``dark_logit`` carries what the model says of the teacher's other classes;
its map shows where in the picture that comes from. The relevances and the rest add up to what the score gained.
When it misleads: components are directions of variance, not of meaning; of two with nearly equal variance any mixture would
have done. Relevances of opposite sign cancel in their mean.
After: ours, on integrated gradients (Sundararajan et al. 2017) and the interaction tensor (see ``interaction``).
Cost: integrated gradients of N samples, twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.diagnostics.attribution.measure_plan import Plan
from workbench.diagnostics.attribution.measure_summary import mean_over_samples
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, estimate
from workbench.records.result import Result
from workbench.records.selection import Selection
from workbench.records.wording import number, plural

if TYPE_CHECKING:
    from workbench.diagnostics.interaction.measure import Interaction
    from workbench.records.run import Run
    from workbench.settings.setting import Setting

SAMPLES, REST = 64, "the rest"
PROVENANCE = {
    "paper": "none",
    "fidelity": "proposed",
    "ours": "maps and relevance of features of the interaction tensor",
}


@dataclass(frozen=True)
class FeatureMaps(Result):
    """Maps of one feature, and the relevance of all K components of a model, on N samples.

    Attributes:
        plan: what was explained and how; see ``Plan``.
        model: its name in the tensor.
        layer: the tensor is of.
        feature: the one whose maps these are.
        maps: (N, ...) attributions of the way along the feature; channels are added up.
        along: (N,) how far the samples lie along it.
        features: (K,) the feature of each component, largest variance first; -1 where it was left out.
        carried: (N, K + 1) relevance of each component for the score, and of what is in none of them.
        relevance: by feature, and for ``the rest``, the mean over samples.
        gained: what the score gained from the baseline, mean over samples.
        inputs: (N, ...) samples as they came.
        ids: (N,) of the samples.
        labels: (N,) their classes.
        class_names: C names.
        n: samples.
        seed: of the intervals.
        warnings: what weakens the numbers.
        provenance: what is ours.
    """

    plan: dict[str, Any]
    model: str
    layer: str
    feature: int
    maps: np.ndarray
    along: np.ndarray
    features: np.ndarray
    carried: np.ndarray
    relevance: dict[str, Interval]
    gained: Interval
    inputs: np.ndarray
    ids: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    @property
    def name(self) -> str:
        """Of the feature, as in ``relevance``."""
        return name_of(self.feature)

    def rows(self) -> list[dict[str, Any]]:
        """What the score gained, and how much of it each feature carries."""
        found = {"gained": self.gained} | {f"carried by {name}": each for name, each in self.relevance.items()}
        return [{"quantity": name, "value": i.mean, "low": i.low, "high": i.high} for name, i in found.items()]

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        sizes = {name: abs(found.mean) for name, found in self.relevance.items() if np.isfinite(found.mean)}
        text = (
            f"Over {plural(self.n, 'sample')} {self.plan['score'].replace('_', ' ')} of {self.model} changes by "
            f"{estimate(self.gained)} from the baseline to the input. {self.name} carries {estimate(self.relevance[self.name])}"
            " of it"
        )
        if not sizes:
            return f"{text}."
        most = max(sizes, key=sizes.__getitem__)
        ties = sum(size == sizes[most] for size in sizes.values())
        if ties > 1:
            return f"{text}; no part carries most."
        return (
            f"{text}, most of all."
            if most == self.name
            else f"{text}; {most} carries most, {number(self.relevance[most].mean)}."
        )


@checked_arguments
def feature_maps(
    maps: np.ndarray,
    along: np.ndarray,
    features: np.ndarray,
    carried: np.ndarray,
    plan: Plan,
    feature: int,
    **about: Any,
) -> FeatureMaps:
    """Summarise what was found on N samples.

    Args:
        maps: (N, ...) of the feature.
        along: (N,).
        features: (K,) of the components.
        carried: (N, K + 1).
        plan: what was explained.
        feature: whose maps they are.
        **about: model, layer, inputs, ids, labels, class_names and warnings, as in ``FeatureMaps``.

    Raises:
        ValueError: shapes do not fit, or no component is of the feature.
    """
    if carried.shape != (len(maps), len(features) + 1) or along.shape != (len(maps),):
        raise ValueError(f"maps {maps.shape}, along {along.shape} and carried {carried.shape} do not go together")
    if feature not in features:
        raise ValueError(
            f"no component of the model is of feature {feature}; it has {sorted(set(features[features >= 0]))}"
        )
    together = {name_of(t): carried[:, :-1][:, features == t].sum(1) for t in np.unique(features[features >= 0])}
    together[REST] = carried[:, :-1][:, features < 0].sum(1) + carried[:, -1]
    return FeatureMaps(
        plan=plan.to_dict(),
        feature=feature,
        maps=maps,
        along=along,
        features=features,
        carried=carried,
        relevance={name: mean_over_samples(values, plan.seed) for name, values in together.items()},
        gained=mean_over_samples(carried.sum(1), plan.seed),
        n=len(maps),
        seed=plan.seed,
        provenance=dict(PROVENANCE),
        **about,
    )


@checked_arguments
def feature_maps_of(
    found: Interaction,
    run: Run,
    model: str,
    feature: int,
    setting: Setting | None = None,
    *,
    samples: int | Selection | Sequence[int] = SAMPLES,
    **choices: Any,
) -> FeatureMaps:
    """Maps of one feature in one model of a tensor, and how much of the score its features carry.

    Args:
        found: the interaction tensor.
        run: whose student or teacher the model is.
        model: its name in ``found.models``.
        feature: its number, from 0.
        setting: of the run; made again if None and it is one of the catalogue.
        samples: how many, drawn at random, or which, by id.
        **choices: of the ``Plan`` (score, by default ``dark_logit``, baseline, temperature, steps, seed), and ``layer``: the
            one the tensor is of, if not the features under the classifier.

    Raises:
        KeyError: the tensor has no such model.
        ValueError: the model does not have the feature, the tensor is not of this run or layer, or as ``attribution_of``.
    """
    from workbench.diagnostics.attribution.measure_source import Source
    from workbench.diagnostics.feature_maps.measure_directions import Directions

    layer = choices.pop("layer", None)
    source = Source.of(run, setting)
    plan = source.plan({"score": "dark_logit", "attributor": "integrated_gradients", **choices})
    known = Directions.of(found, model, source, layer)
    return feature_maps(**known.measured(source, source.samples(samples, plan.seed), plan, feature))


def name_of(feature: int) -> str:
    """A feature's name."""
    return f"feature {int(feature)}"
