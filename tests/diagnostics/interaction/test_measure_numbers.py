"""The table of features and the rows of a tensor, against cards and sets counted one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.diagnostics.interaction.planted import planted
from workbench.diagnostics.interaction.measure import Construction, Interaction, Samples, interaction

GROUPS = {"a": ["m0", "m1"], "b": ["m2"], "teacher": ["m3"]}


def tensor(**options: object) -> Interaction:
    labels = np.random.default_rng(0).integers(0, 3, 300)
    about = Samples(1000 + np.arange(300), labels, ("x", "y", "z"))
    return interaction(planted(samples=300), GROUPS, samples=about, **options)


def numbers(found: Interaction) -> dict[tuple[str, str], float]:
    return {(row["quantity"], row["group"]): row["value"] for row in found.rows()}


def test_rows_tell_both_forms_orders_gaps_and_the_teachers() -> None:
    found = tensor()
    rows, released = numbers(found), numbers(tensor(mode="paper"))
    assert rows["unique features, paper form", "a"] == released["unique features", "a"]
    assert rows["mean frequency, paper form", "b"] == released["mean frequency", "b"]
    assert released["features, corrected form", ""] == found.features
    assert rows["threshold, paper form", ""] == released["threshold", ""]
    orders = next(row for row in found.rows() if row["quantity"] == "unique features in random orders")
    assert (orders["low"], orders["high"]) == (found.order_unique[:, 0].min(), found.order_unique[:, 0].max())
    assert ("unique features in random orders", "a") not in released
    gaps = [gap for gap, owner in zip(found.gap, found.owner, strict=True) if owner in (0, 1)]
    assert rows["median gap to the next variance", "a"] == pytest.approx(np.median(gaps))
    used, taught = ({t for t in range(12) if found.frequency[g, t]} for g in (0, 2))
    assert rows["teacher overlap of the group", "a"] == len(used & taught) / len(used)
    assert ("teacher overlap of the group", "teacher") not in rows


def test_a_single_model_has_its_tenth_and_one_model_frequencies_know_no_union() -> None:
    found = tensor(construction=Construction(least_share=0.0, orders=0))
    rows = numbers(found)
    for name in GROUPS:
        assert rows["features per sample of one model", name] == pytest.approx(0.6, abs=0.002)  # a tenth of six
    each = [
        [found.omega.active[(found.omega.feature == t) & (found.omega.model == m)].sum() for m in (0, 1)]
        for t in range(12)
    ]
    assert rows["mean frequency of one model", "a"] == pytest.approx(np.mean([np.mean(v) for v in each if sum(v)]))
    assert math.isnan(numbers(tensor())["mean confidence", "a"])
