"""Attribution maps in numbers: likeness to the teacher's, the gain over a control, what is left by class pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.diagnostics.attribution.measure_plan import DIVERGENCES, LOCAL, Plan
from workbench.diagnostics.attribution.measure_similarity import similarity
from workbench.maths.intervals import mean_interval
from workbench.maths.resampling import bootstrap_means, percentile_interval
from workbench.records.interval import Interval
from workbench.records.wording import plural

if TYPE_CHECKING:
    from workbench.diagnostics.attribution.measure_maps import Maps

FEW = 30
TOLERANCE = 0.01
MATCHED = 1e-3
"""Nats per squared temperature below which the student matches its teacher, so that gradients of divergences vanish."""


def dark_classes(teacher_logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(N,) the class that the teacher finds most likely beside the label."""
    others = teacher_logits.astype(np.float64)
    others[np.arange(len(labels)), labels] = -np.inf
    return others.argmax(1)


def similarities(maps: Maps, parties: Sequence[str]) -> dict[str, np.ndarray]:
    """By measure, (P - 1, N): how alike each other party's maps are to the teacher's."""
    per_party = [similarity(maps.maps[party], maps.maps["teacher"]) for party in parties if party != "teacher"]
    return {measure: np.stack([each[measure] for each in per_party]) for measure in per_party[0]}


def intervals(per_sample: np.ndarray, parties: Sequence[str], seed: int) -> dict[str, Interval]:
    """Means over samples of one measure, (P - 1, N), and the paired gain of the student over the control."""
    others = [party for party in parties if party != "teacher"]
    found = {party: mean_over_samples(values, seed) for party, values in zip(others, per_sample, strict=True)}
    if len(others) > 1:
        found["gain"] = mean_over_samples(per_sample[0] - per_sample[1], seed)
    return found


def left(divergence: np.ndarray, parties: Sequence[str], seed: int) -> dict[str, dict[str, Interval]]:
    """By party but the teacher, the mean of both parts of the divergence (P, N, 2, 2) at the inputs."""
    return {
        party: {part: mean_over_samples(divergence[row, :, k, 1], seed) for k, part in enumerate(("target", "rest"))}
        for row, party in enumerate(parties)
        if party != "teacher"
    }


def mean_over_samples(values: np.ndarray, seed: int) -> Interval:
    """Mean of what is known of (N,) values; no bounds where that is fewer than two."""
    known = values[np.isfinite(values)].astype(np.float64)
    if len(known) < 2:
        return Interval(float(known.mean()) if len(known) else np.nan, np.nan, np.nan, len(known), "none")
    return percentile_interval(bootstrap_means(known, seed=seed), known.mean(), len(known))


def class_pairs(
    labels: np.ndarray, dark: np.ndarray, cosines: np.ndarray, divergence: np.ndarray, parties: Sequence[str]
) -> tuple[dict[str, Any], ...]:
    """Samples by label and the teacher's first other class, the most frequent pairs first."""
    pairs, counts = np.unique(np.stack([labels, dark], 1), axis=0, return_counts=True)
    others, found = [party for party in parties if party != "teacher"], []
    for (label, other), count in sorted(zip(pairs.tolist(), counts.tolist(), strict=True), key=lambda pair: -pair[1]):
        inside = (labels == label) & (dark == other)
        likeness = {party: _few(values[inside]) for party, values in zip(others, cosines, strict=True)}
        missed = divergence[parties.index("student"), inside, :, 1].mean(0)
        shares = {"target": float(missed[0]), "rest": float(missed[1])}
        found.append({"label": label, "other": other, "n": count, "cosine": likeness, **shares})
    return tuple(found)


def warnings(maps: Maps, plan: Plan, per_sample: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """What weakens the numbers."""
    count, found = len(maps.ids), []
    if count < maps.asked_for:
        found.append(f"stopped early: {count} of {plural(maps.asked_for, 'sample')} are explained")
    if count < FEW:
        found.append(f"only {plural(count, 'sample')}: the intervals are wide")
    if "control" not in maps.maps:
        found.append("no control was given: how alike maps are without distillation is not known")
    for party, gaps in maps.gaps.items():
        if missed := int((gaps > TOLERANCE).sum()):
            found.append(f"the sums of {missed} of the {party}'s maps miss the score by more than 1 %")
    return (*found, *_saturated(maps, plan), *_undefined(per_sample))


def _saturated(maps: Maps, plan: Plan) -> list[str]:
    if plan.score not in DIVERGENCES:
        return []
    found = []
    if plan.attributor in LOCAL:
        found.append(
            f"the teacher matches itself: its own gradients of {plan.score} vanish at the inputs and {plan.attributor} "
            f"compares with noise: use integrated_gradients, or the score dark_logit"
        )
    missed = np.median(maps.divergence["student"][:, :, 1].sum(1)) / plan.temperature**2
    if missed < MATCHED:
        found.append(
            f"the student matches its teacher to {missed:.1g} nats, where divergences are flat and their gradients vanish: "
            f"use the score dark_logit"
        )
    return found


def _undefined(per_sample: Mapping[str, np.ndarray]) -> list[str]:
    unknown = int(np.isnan(per_sample["cosine"]).any(0).sum())
    if not unknown:
        return []
    return [f"{plural(unknown, 'sample')} have a map that is zero everywhere; they are left out of the likeness"]


def _few(values: np.ndarray) -> Interval:
    known = values[np.isfinite(values)].astype(np.float64)
    return mean_interval(known) if len(known) else Interval(np.nan, np.nan, np.nan, 0, "none")
