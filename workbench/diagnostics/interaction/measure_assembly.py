"""Everything an ``Interaction`` holds, worked out from stacked components.

Apart from the result, so that a panel can do it again with other choices and the correlations it already has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from workbench.diagnostics.interaction.measure_activity import Omega
from workbench.diagnostics.interaction.measure_construction import (
    CONSTRUCTIONS,
    Construction,
    Mode,
    build,
    other_orders,
)
from workbench.diagnostics.interaction.measure_groups import (
    Groups,
    class_information,
    confidence_of,
    groups_of,
    shared_with,
)
from workbench.diagnostics.interaction.measure_matches import Stack
from workbench.records.wording import plural

TEACHER = "teacher"
"""The group of this name is what precision and recall refer to."""

PROVENANCE = {
    "paper": "Kang and Kim: What Do Students Learn? A Feature-Level Analysis of Dark Knowledge, ICPR 2026",
    "ours": "aligned signs, thresholds without self pairs or from permutations, random orders, average linkage, independent "
    "directions, precision, recall",
}

DEGENERATE = 100
"""With so few components the 99th percentile over all entries is a component's correlation with itself."""


@dataclass(frozen=True)
class Samples:
    """What is known about the N samples, and what the models say of them.

    Attributes:
        ids: (N,) sample ids; 0 .. N-1 if None.
        labels: (N,) classes; None if there are none.
        class_names: C names.
        logits: by model, (N, C).
    """

    ids: np.ndarray | None = None
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    logits: Mapping[str, np.ndarray] = field(default_factory=dict)


def assembled(
    found: Stack,
    about: Mapping[str, Any],
    samples: Samples,
    mode: Mode,
    construction: Construction,
    *,
    live: bool = False,
) -> dict[str, Any]:
    """The fields of an ``Interaction``.

    Args:
        found: the components and their correlations.
        about: ``models``, ``group_names``, ``group``, ``share`` and ``gap``.
        samples: what is known about the samples.
        mode: shown with the result.
        construction: the choices.
        live: leave out the other mode, which no slider changes.
    """
    members = [np.flatnonzero(about["group"] == g) for g in range(len(about["group_names"]))]
    built = build(found, about["share"], construction)
    orders = other_orders(found, built, construction, members)
    values = dict(about) | {name: getattr(found, name) for name in ("scores", "owner", "rank")}
    values |= {name: getattr(built, name) for name in ("feature", "sign", "threshold")}
    values |= _counted(groups_of(built.omega, members, len(about["models"])))
    values |= _of_samples(built.omega, members, about["models"], samples, found.scores.shape[1])
    values |= _transfer(built.omega, members, about)
    values |= {} if live else other_form(found, about, mode, members)
    values |= {
        "mode": mode,
        "features": built.omega.features,
        "order_features": orders[0],
        "order_unique": orders[1],
        "pair_model": built.omega.model,
        "pair_feature": built.omega.feature,
        "pair_active": np.packbits(built.omega.active, axis=1),
        "construction": asdict(construction),
        "n": found.scores.shape[1],
        "seed": construction.seed,
        "provenance": PROVENANCE | {"fidelity": _fidelity(mode, construction)},
    }
    return values | {"warnings": warnings_on(values)}


def _fidelity(mode: Mode, construction: Construction) -> str:
    """The release has one construction; any other choice in its mode is ours."""
    return "proposed" if mode == "paper" and construction != CONSTRUCTIONS["paper"] else mode


def _counted(groups: Groups) -> dict[str, Any]:
    return {f.name: getattr(groups, f.name) for f in fields(groups)}


def _of_samples(
    omega: Omega, members: Sequence[np.ndarray], models: Sequence[str], samples: Samples, count: int
) -> dict[str, Any]:
    """What depends on labels and outputs; missing where these are."""
    labels = np.full(count, -1) if samples.labels is None else np.asarray(samples.labels)
    ids = np.arange(count) if samples.ids is None else np.asarray(samples.ids)
    if labels.shape != (count,) or ids.shape != (count,):
        raise ValueError(f"{count} samples need as many labels and ids; given {labels.shape} and {ids.shape}")
    known = bool((labels >= 0).all())
    information = (
        class_information(omega.union(range(len(models))), labels) if known else np.full(omega.features, np.nan)
    )
    confidence = np.full((len(members), count), np.nan)
    for g, each in enumerate(members):
        given = [samples.logits[models[m]] for m in each if models[m] in samples.logits]
        if known and given:
            confidence[g] = np.mean([confidence_of(logits, labels) for logits in given], axis=0)
    names = tuple(map(str, samples.class_names or range(labels.max() + 1)))
    return {
        "ids": ids,
        "labels": labels,
        "class_names": names,
        "class_information": information,
        "confidence": confidence,
    }


def _transfer(omega: Omega, members: Sequence[np.ndarray], about: Mapping[str, Any]) -> dict[str, Any]:
    """Precision and recall of every group but the teachers'; empty without teachers."""
    names, owned = about["group_names"], omega.owned(len(about["models"]))
    if TEACHER not in names:
        return {"precision": {}, "recall": {}}
    teachers = members[names.index(TEACHER)]
    found = {n: shared_with(owned, m, teachers) for n, m in zip(names, members, strict=True) if n != TEACHER}
    return {what: {name: pair[k] for name, pair in found.items()} for k, what in enumerate(("precision", "recall"))}


def other_form(found: Stack, about: Mapping[str, Any], mode: Mode, members: Sequence[np.ndarray]) -> dict[str, Any]:
    """The other mode's threshold and numbers by group, and its frequencies."""
    name: Mode = "paper" if mode == "corrected" else "corrected"
    built = build(found, about["share"], CONSTRUCTIONS[name])
    groups = groups_of(built.omega, members, len(about["models"]))
    numbers = {"mode": name, "threshold": built.threshold, "features": built.omega.features}
    numbers |= {"unique": groups.unique.tolist(), "mean_frequency": groups.mean_frequency.tolist()}
    return {"other": numbers, "other_frequency": groups.frequency}


NEAR, MANY, STRICT = 0.05, 0.25, 0.9


def warnings_on(values: Mapping[str, Any]) -> tuple[str, ...]:
    """What weakens an interaction tensor, from its fields."""
    return (*_about_threshold(values), *_about_components(values), *_about_groups(values))


def chance(components: int, samples: int) -> float:
    """The largest correlation to be expected between two models of so many independent components each."""
    return math.sqrt(2 * math.log(2 * components**2) / samples)


def _about_threshold(values: Mapping[str, Any]) -> list[str]:
    found, count = [], len(values["owner"])
    if values["construction"]["threshold"] == "released" and count <= DEGENERATE:
        found.append(
            f"with {count} components in all, the 99th percentile over all entries is the correlation of a component with "
            "itself: nothing can join"
        )
    elif values["construction"]["threshold"] in ("cross99", "released") and values["threshold"] > STRICT:
        found.append(
            f"the percentile of correlations is {values['threshold']:.3f}: more components match than it lets in, and some "
            "of them count as different features"
        )
    elif values["features"] == (values["feature"] >= 0).sum():
        found.append(f"no two components exceed the threshold of {values['threshold']:.2f}: no model shares a feature")
    expected = chance(int(np.bincount(values["owner"]).max()), values["n"])
    if values["threshold"] < expected:
        found.append(
            f"the threshold of {values['threshold']:.2f} is below {expected:.2f}, which {plural(values['n'], 'sample')} show by "
            "chance: unrelated components join; use threshold='null'"
        )
    return found


def _about_components(values: Mapping[str, Any]) -> list[str]:
    found, used = [], values["feature"] >= 0
    if left := int((~used).sum()):
        least = values["construction"]["least_share"]
        found.append(
            f"{left} of {len(used)} components have less than {least:.1%} of their layer's variance and are left out"
        )
    near = float((values["gap"][used] < NEAR).mean())
    if near > MANY:
        found.append(
            f"{near:.0%} of the components are within {NEAR:.0%} of the next one's variance and may turn freely"
        )
    return found


def _about_groups(values: Mapping[str, Any]) -> list[str]:
    sizes = np.bincount(values["group"])
    found = []
    if len(set(sizes.tolist())) > 1:
        shown = ", ".join(f"{name} {size}" for name, size in zip(values["group_names"], sizes, strict=True))
        found.append(f"the groups differ in size ({shown}): their unions cannot be compared; see rarefaction")
    if 1 in sizes:
        found.append("a group has one model only: nothing is known about how much models of it differ")
    return found
