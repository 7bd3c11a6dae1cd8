"""All features of an interaction tensor in one table: who has each, how often, for which class, strongest on which samples?

How it is measured: as the card of a single feature, see ``interaction_feature``; here for every feature at once.
Reading it: sorted by ``class_information``, the first say most about the class; those that many models own are the ones a
group shares. The class is the one that is most frequent among a feature's samples beyond its usual share.
When it misleads: as the card does; of hundreds of features some prefer a class by chance, which ``class_information``
corrects for on the average only.
After: the table is ours; see ``interaction``.
Cost: O(L N) for L components.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.diagnostics.interaction.measure import Interaction
from workbench.diagnostics.interaction.measure_strength import strengths
from workbench.records.arguments import checked_arguments
from workbench.records.result import Result
from workbench.records.wording import number, plural

PROVENANCE = {"paper": "none", "fidelity": "proposed", "ours": "strength, lift and the table itself"}


@dataclass(frozen=True)
class FeatureTable(Result):
    """F features of G groups of models, those that say most about the class first; otherwise the most frequent ones.

    Attributes:
        feature: (F,) their numbers.
        components: (F,) components that make up each.
        group_names: G names.
        models: (G,) models of each group.
        owners: (F, G) models of each group that use it.
        samples: (F, G) samples on which the group uses it, by union.
        class_information: (F,) in nats; NaN where classes are not known.
        classes: F names of the class it prefers; empty where there is none.
        lift: (F,) share of that class among its samples over the share among all; NaN where there is none.
        top_ids: (F, T) the samples on which it is strongest.
        n: samples.
        warnings: what weakens it.
        provenance: what is ours.
    """

    feature: np.ndarray
    components: np.ndarray
    group_names: tuple[str, ...]
    models: np.ndarray
    owners: np.ndarray
    samples: np.ndarray
    class_information: np.ndarray
    classes: tuple[str, ...]
    lift: np.ndarray
    top_ids: np.ndarray
    n: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """One row per feature."""
        found = []
        for place, feature in enumerate(self.feature.tolist()):
            row: dict[str, Any] = {"feature": feature, "components": int(self.components[place])}
            row |= {f"models, {name}": int(self.owners[place, g]) for g, name in enumerate(self.group_names)}
            row |= {f"samples, {name}": int(self.samples[place, g]) for g, name in enumerate(self.group_names)}
            row |= {"class information": float(self.class_information[place]), "class": self.classes[place]}
            strongest = ", ".join(map(str, self.top_ids[place].tolist()))
            found.append(row | {"lift": float(self.lift[place]), "strongest on": strongest})
        return found

    def explain(self) -> str:
        """What the table says, in one paragraph."""
        everywhere = int((self.owners == self.models).all(axis=1).sum())
        single = int((self.owners.sum(axis=1) == 1).sum())
        text = f"Of {plural(len(self.feature), 'feature')}, {everywhere:,} are used by every model and {single:,} by one model only."
        if self.classes and self.classes[0]:
            text += (
                f" Feature {self.feature[0]} has most information about the class, {number(max(0.0, self.class_information[0]))} "
                f"nats: {self.classes[0]} is {number(self.lift[0])} times as frequent among its samples as among all."
            )
        return text


@checked_arguments
def feature_table(found: Interaction, *, count: int = 5) -> FeatureTable:
    """The table of all features.

    Args:
        found: the interaction tensor.
        count: how many of the strongest samples of each.

    Raises:
        ValueError: no sample is asked for.
    """
    if count < 1:
        raise ValueError(f"count = {count} must be 1 or more")
    owned = found.omega.owned(len(found.models))
    groups = range(len(found.group_names))
    owners = np.stack([owned[found.members(g)].sum(axis=0) for g in groups], axis=1)
    often, known = found.frequency.sum(axis=0), bool(np.isfinite(found.class_information).all())
    order = np.argsort(-(found.class_information if known else often), kind="stable")
    top = np.argsort(-strengths(found), axis=1, kind="stable")[:, :count]
    preferred, lift = _preferred(found) if known else (np.full(found.features, -1), np.full(found.features, np.nan))
    return FeatureTable(
        feature=order,
        components=np.bincount(found.feature[found.feature >= 0], minlength=found.features)[order],
        group_names=found.group_names,
        models=np.bincount(found.group, minlength=len(groups)),
        owners=owners[order],
        samples=found.frequency.T[order],
        class_information=found.class_information[order],
        classes=tuple(found.class_names[k] if k >= 0 else "" for k in preferred[order]),
        lift=lift[order],
        top_ids=found.ids[top[order]],
        n=found.n,
        warnings=found.warnings,
        provenance=dict(PROVENANCE),
    )


def _preferred(found: Interaction) -> tuple[np.ndarray, np.ndarray]:
    """(F,) class with the largest lift, -1 where no model uses the feature, and (F,) that lift."""
    used = found.omega.union(range(len(found.models)))
    everything = np.bincount(found.labels, minlength=len(found.class_names))
    counts = np.stack([used[:, found.labels == k].sum(axis=1) for k in range(len(everything))], axis=1)
    rate = counts / np.maximum(everything, 1)
    total = counts.sum(axis=1)
    lift = np.where(total > 0, rate.max(axis=1) * found.n / np.maximum(total, 1), np.nan)
    return np.where(total > 0, rate.argmax(axis=1), -1), lift
