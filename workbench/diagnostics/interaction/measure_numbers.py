"""The numbers of an interaction tensor as rows: of all groups together, then of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from workbench.diagnostics.interaction.measure import Interaction

Row = dict[str, Any]


def numbers_of(result: Interaction) -> list[Row]:
    """What a group has by construction, by this mode, by the other mode, and of the teachers."""
    found: list[Row] = [
        {"quantity": "features", "group": "", "value": result.features},
        {"quantity": "threshold", "group": "", "value": result.threshold},
    ]
    if len(result.order_features):
        found.append({"quantity": "features in random orders", "group": ""} | _least_to_most(result.order_features))
    other = result.other
    if other:
        found += [
            {"quantity": f"{what}, {other['mode']} form", "group": "", "value": other[what]}
            for what in ("features", "threshold")
        ]
    for g, name in enumerate(result.group_names):
        found += [{"quantity": what, "group": name} | row for what, row in _of_group(result, g, name).items()]
    return found


def _of_group(result: Interaction, g: int, name: str) -> dict[str, Row]:
    used, components = result.frequency[g] > 0, np.isin(result.owner, result.members(g)) & (result.feature >= 0)
    rows: dict[str, Row] = {
        "models": {"value": len(result.members(g))},
        "components": {"value": int(components.sum())},
        "unique features": {"value": int(result.unique[g])},
    }
    if len(result.order_unique):
        rows["unique features in random orders"] = _least_to_most(result.order_unique[:, g])
    if result.other:
        rows[f"unique features, {result.other['mode']} form"] = {"value": result.other["unique"][g]}
    rows["mean frequency"] = {"value": float(result.mean_frequency[g])}
    if result.other:
        rows[f"mean frequency, {result.other['mode']} form"] = {"value": result.other["mean_frequency"][g]}
    single = result.model_frequency[g][used]
    each = len(result.members(g)) * result.n
    rows |= {
        "mean frequency of one model": {"value": float(single.mean()) if len(single) else np.nan},
        "features per sample": {"value": float(result.per_sample[g].mean())},
        "features per sample of one model": {"value": float(result.summed[g].sum() / each)},
        "mean confidence": {"value": float(result.confidence[g].mean())},
        "median gap to the next variance": {"value": float(np.median(result.gap[components]))},
    }
    for what, by_group in (("precision", result.precision), ("recall", result.recall)):
        if name in by_group:
            rows[what] = {"value": by_group[name].mean, "low": by_group[name].low, "high": by_group[name].high}
    return rows | _overlap(result, g, used)


def _overlap(result: Interaction, g: int, used: np.ndarray) -> dict[str, Row]:
    """Share of the group's features that the teachers have, by union on both sides."""
    from workbench.diagnostics.interaction.measure_assembly import TEACHER

    if TEACHER not in result.group_names or result.group_names[g] == TEACHER or not used.any():
        return {}
    taught = result.frequency[result.group_names.index(TEACHER)] > 0
    return {"teacher overlap of the group": {"value": float((used & taught).sum() / used.sum())}}


def _least_to_most(counts: np.ndarray) -> Row:
    return {"value": float(counts.mean()), "low": float(counts.min()), "high": float(counts.max())}
