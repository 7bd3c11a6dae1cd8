"""Average linkage against literal mergers, on planted features, and where the scan depends on its order."""

from __future__ import annotations

import numpy as np
import pytest

from tests.diagnostics.interaction.planted import SHARED, copies, planted
from workbench.diagnostics.interaction.measure import Construction, interaction
from workbench.diagnostics.interaction.measure_matches import Stack, linked, stack


def views(seed: int) -> Stack:
    """Five models of four noisy views of six directions; correlations of all sizes."""
    generator = np.random.default_rng(seed)
    common = generator.normal(size=(60, 6))
    noise = generator.uniform(0.3, 2.0, size=(5, 4))
    return stack([common[:, generator.permutation(6)[:4]] + each * generator.normal(size=(60, 4)) for each in noise])


def literal(strength: np.ndarray, threshold: float) -> list[frozenset[int]]:
    """Join the two sets with the largest mean strength between their members, while it is not below the threshold."""
    sets = [frozenset([k]) for k in range(len(strength))]
    while len(sets) > 1:
        mean = {
            (a, b): sum(float(strength[i, j]) for i in a for j in b) / (len(a) * len(b))
            for n, a in enumerate(sets)
            for b in sets[n + 1 :]
        }
        (a, b), most = max(mean.items(), key=lambda each: each[1])
        if most < threshold:
            break
        sets = [each for each in sets if each not in (a, b)] + [a | b]
    return sets


@pytest.mark.parametrize("threshold", [0.25, 0.4, 0.6])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_features_are_those_of_literal_mergers(seed: int, threshold: float) -> None:
    found = views(seed)
    feature, centres = linked(found, threshold)
    expected = literal(found.strength, threshold)
    assert {frozenset(np.flatnonzero(feature == t).tolist()) for t in range(feature.max() + 1)} == set(expected)
    assert 1 < len(expected) < 20
    assert feature[np.sort(np.unique(feature, return_index=True)[1])].tolist() == list(range(len(expected)))
    for members in expected:
        centre = centres[feature[next(iter(members))]]
        inside = {i: sum(float(found.strength[i, j]) for j in members) for i in members}
        assert inside[centre] == pytest.approx(max(inside.values()))


def test_planted_features_are_found_and_copies_turned_alike() -> None:
    models = planted()
    average = Construction(0.9, assign="average")
    found = interaction(models, {"a": list(models)}, construction=average)
    owned = found.omega.owned(4)
    assert found.features == 12
    assert {pair: int((owned[pair[0]] & owned[pair[1]]).sum()) for pair in SHARED} == SHARED
    assert found.order_features.size == 0
    same = copies(5)
    alike = interaction(same, {"a": list(same)}, construction=average)
    assert alike.features == 6
    assert alike.frequency[0] == pytest.approx(alike.model_frequency[0])


def test_it_knows_no_order_where_the_scan_does() -> None:
    found = views(3)
    turned = np.random.default_rng(0).permutation(5)
    rows = np.concatenate([np.flatnonzero(found.owner == m) for m in turned])
    other = Stack(
        found.scores[rows],
        np.sort(found.owner),
        found.rank[rows],
        found.correlations[np.ix_(rows, rows)],
        found.skewness,
    )
    one, two = linked(found, 0.3)[0][rows], linked(other, 0.3)[0]
    assert len({*zip(one.tolist(), two.tolist(), strict=True)}) == one.max() + 1 == two.max() + 1
