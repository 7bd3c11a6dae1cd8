"""What is one feature about: on which samples is it strongest, of which classes are they, and which models have it?

How it is measured: the components of the feature are turned the same way and scaled to standard deviation 1; a sample's
strength is their mean. Formula: ``strength_n = mean_l sign_l z_ln`` over the components l of the feature.
Reading it: pictures and classes of the strongest samples say what the feature responds to, if anything that has a name.
When it misleads: a direction of variance need not mean anything, and a dozen samples suggest a story easily; ``lift``
compares each class with its share of all samples.
After: the table of features is ours; see ``interaction``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.diagnostics.interaction.measure import Interaction
from workbench.diagnostics.interaction.measure_strength import strength
from workbench.records.arguments import checked_arguments
from workbench.records.result import Result
from workbench.records.selection import Selection
from workbench.records.wording import listed, number, plural

if TYPE_CHECKING:
    from workbench.data.transfer import TransferSet

PROVENANCE = {"paper": "none", "fidelity": "proposed", "ours": "strength, lift and the card itself"}


@dataclass(frozen=True)
class InteractionFeature(Result):
    """One feature of an interaction tensor; n samples are shown of N.

    Attributes:
        feature: its number.
        group_names: G names.
        owners: (G,) models of each group that use it.
        models: (G,) models of each group.
        owner_names: by group, the names of the models that use it.
        frequency: (G,) samples on which the group uses it, by union.
        class_names: C names; empty where classes are not known.
        active: (C,) samples of each class on which any model uses it.
        lift: (C,) share of the class among these over its share of all samples.
        class_information: in nats; NaN where classes are not known.
        top_ids: (n,) the samples on which it is strongest.
        top_labels: (n,) their classes, -1 where not known.
        strength: (n,) there.
        pictures: (n, H, W) grey values of the samples in [0, 1]; empty where there are none.
        n: samples shown.
        warnings: what weakens it.
        provenance: what is ours.
    """

    feature: int
    group_names: tuple[str, ...]
    owners: np.ndarray
    models: np.ndarray
    owner_names: dict[str, list[str]]
    frequency: np.ndarray
    class_names: tuple[str, ...]
    active: np.ndarray
    lift: np.ndarray
    class_information: float
    top_ids: np.ndarray
    top_labels: np.ndarray
    strength: np.ndarray
    pictures: np.ndarray
    n: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    @property
    def selection(self) -> Selection:
        """The samples shown, for any other view."""
        return Selection(self.top_ids, f"feature {self.feature}, strongest")

    def explain(self) -> str:
        """What the card says, in one paragraph."""
        owners = listed(
            f"{has} of {plural(int(of), 'model')} of {name}"
            for name, has, of in zip(self.group_names, self.owners, self.models, strict=True)
        )
        text = f"Feature {self.feature} is used by {owners}."
        if np.isfinite(self.lift).any():
            most = int(np.nanargmax(self.lift))
            text += (
                f" The class {self.class_names[most]} is {number(self.lift[most])} times as frequent among its samples as among "
                f"all; its information about the class is {number(max(0.0, self.class_information))} nats."
            )
        return text


@checked_arguments
def interaction_feature(
    found: Interaction, feature: int, *, count: int = 12, samples: TransferSet | None = None
) -> InteractionFeature:
    """The card of one feature.

    Args:
        found: the interaction tensor.
        feature: its number, from 0.
        count: how many of the strongest samples.
        samples: the inputs behind the ids, to be shown as pictures if they are images.

    Raises:
        KeyError: there is no such feature.
        ValueError: no sample is asked for, or the inputs are of other samples.
    """
    if not 0 <= feature < found.features:
        raise KeyError(f"no feature {feature}; there are {found.features}, numbered from 0")
    if count < 1:
        raise ValueError(f"count = {count} must be 1 or more")
    values = strength(found, feature)
    top = np.argsort(-values, kind="stable")[:count]
    omega = found.omega
    pairs = omega.feature == feature
    used = omega.active[pairs].any(axis=0)
    having = omega.model[pairs][omega.active[pairs].any(axis=1)]
    known = bool((found.labels >= 0).all())
    classes = len(found.class_names) if known else 0
    active = np.bincount(found.labels[used], minlength=classes) if known else np.zeros(0, np.int64)
    return InteractionFeature(
        feature=feature,
        group_names=found.group_names,
        owners=np.bincount(found.group[having], minlength=len(found.group_names)),
        models=np.bincount(found.group, minlength=len(found.group_names)),
        owner_names={
            name: [found.models[m] for m in having if found.group[m] == g] for g, name in enumerate(found.group_names)
        },
        frequency=found.frequency[:, feature],
        class_names=found.class_names if known else (),
        active=active,
        lift=_lift(active, found.labels) if known else np.zeros(0),
        class_information=float(found.class_information[feature]),
        top_ids=found.ids[top],
        top_labels=found.labels[top],
        strength=values[top],
        pictures=_pictures(samples, found.ids[top]),
        n=len(top),
        warnings=("no model uses this feature on any sample",) if not used.any() else (),
        provenance=dict(PROVENANCE),
    )


def _lift(active: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(C,) share among the active over the share of all; NaN for classes without samples, or where none is active."""
    everything = np.bincount(labels, minlength=len(active))
    with np.errstate(divide="ignore", invalid="ignore"):
        return (active / active.sum()) / (everything / everything.sum())


def _pictures(samples: TransferSet | None, ids: np.ndarray) -> np.ndarray:
    """(n, H, W) in [0, 1]; the mean of several channels."""
    empty = np.zeros((0, 0, 0), np.float32)
    if samples is None or not hasattr(samples.inputs, "numpy") or samples.inputs.ndim != 4:
        return empty
    row = {int(each): k for k, each in enumerate(samples.ids.tolist())}
    if missing := [int(each) for each in ids if int(each) not in row]:
        raise ValueError(f"the inputs have no sample {missing[0]}; give those the interaction tensor was made of")
    images = samples.inputs[[row[int(each)] for each in ids]].numpy().astype(np.float32).mean(axis=1)
    low, high = float(images.min()), float(images.max())
    return (images - low) / (high - low or 1.0)
