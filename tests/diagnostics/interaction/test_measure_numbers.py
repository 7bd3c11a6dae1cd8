"""The table of features and the rows of a tensor, against cards and sets counted one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.diagnostics.interaction.planted import planted
from workbench.diagnostics.feature_table.measure import feature_table
from workbench.diagnostics.interaction.measure import Construction, Interaction, Samples, interaction
from workbench.diagnostics.interaction_feature.measure import interaction_feature

GROUPS = {"a": ["m0", "m1"], "b": ["m2"], "teacher": ["m3"]}


def tensor(**options: object) -> Interaction:
    labels = np.random.default_rng(0).integers(0, 3, 300)
    about = Samples(1000 + np.arange(300), labels, ("x", "y", "z"))
    return interaction(planted(samples=300), GROUPS, samples=about, **options)


def numbers(found: Interaction) -> dict[tuple[str, str], float]:
    return {(row["quantity"], row["group"]): row["value"] for row in found.rows()}


@pytest.mark.parametrize("mode", ["corrected", "paper"])
def test_a_row_of_the_table_is_the_card_of_its_feature(mode: str) -> None:
    found = tensor(mode=mode)
    table = feature_table(found, count=4)
    assert sorted(table.feature.tolist()) == list(range(found.features))
    assert (np.diff(table.class_information) <= 0).all()
    for place, number in enumerate(table.feature.tolist()):
        card = interaction_feature(found, number, count=4)
        assert table.owners[place].tolist() == card.owners.tolist()
        assert table.samples[place].tolist() == card.frequency.tolist()
        assert set(table.top_ids[place]) == set(card.top_ids)
        assert (card.active.sum() == 0) == (table.classes[place] == "") == math.isnan(table.lift[place])
        if card.active.sum():
            assert table.lift[place] == pytest.approx(np.nanmax(card.lift))
            assert table.classes[place] == card.class_names[int(np.nanargmax(card.lift))]
        assert table.components[place] == (found.feature == number).sum()
        assert [len(names) for names in card.owner_names.values()] == card.owners.tolist()
    row = table.rows()[0]
    assert (row["feature"], row["models, a"]) == (table.feature[0], table.owners[0, 0])
    assert row["strongest on"] == ", ".join(map(str, table.top_ids[0]))
    everywhere = (table.owners == [2, 1, 1]).all(axis=1).sum()
    assert f"{everywhere} are used by every model" in table.explain()


def test_without_classes_the_most_frequent_come_first() -> None:
    found = interaction(planted(samples=300), GROUPS)
    table = feature_table(found)
    assert (np.diff(table.samples.sum(axis=1)) <= 0).all()
    assert set(table.classes) == {""}
    assert np.isnan(table.lift).all()
    assert "nats" not in table.explain()
    with pytest.raises(ValueError, match="count = 0 must be 1 or more"):
        feature_table(found, count=0)


def test_owners_are_named() -> None:
    found = tensor()
    for number in range(found.features):
        card = interaction_feature(found, number)
        expected = {
            name: [m for m in members if found.omega.owned(4)[found.models.index(m), number]]
            for name, members in GROUPS.items()
        }
        assert card.owner_names == expected


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
