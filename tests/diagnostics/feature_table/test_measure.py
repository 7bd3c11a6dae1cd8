"""The table of all features against the cards of each."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.diagnostics.interaction.planted import planted
from workbench.diagnostics.feature_table.measure import feature_table
from workbench.diagnostics.interaction.measure import Interaction, Samples, interaction
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
