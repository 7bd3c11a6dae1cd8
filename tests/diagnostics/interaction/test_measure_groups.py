"""Counts over groups, class information and the card of a feature, against literal loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.diagnostics.interaction.planted import planted
from workbench.diagnostics.interaction.measure import Interaction, Samples, interaction
from workbench.diagnostics.interaction.measure_groups import class_information, shared_with


def tensor(samples: int = 300, **about: object) -> Interaction:
    models = planted(samples=samples)
    return interaction(models, {"a": ["m0", "m1"], "b": ["m2", "m3"]}, samples=Samples(**about))


def test_class_information_against_a_literal_sum() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 200)
    active = np.stack([labels == 1, generator.random(200) < 0.3, np.zeros(200, bool), np.ones(200, bool)])
    found = class_information(active, labels)
    for row, expected in zip(active[:2], found[:2], strict=True):
        total = 0.0
        for on in (False, True):
            for k in range(3):
                both = sum(bool(a) == on and y == k for a, y in zip(row, labels, strict=True)) / 200
                alone = sum(bool(a) == on for a in row) / 200 * (list(labels).count(k) / 200)
                total += both * math.log(both / alone) if both else 0.0
        assert expected == pytest.approx(total - 2 / 400)
    share = (labels == 1).mean()
    assert found[0] == pytest.approx(-share * math.log(share) - (1 - share) * math.log(1 - share) - 2 / 400)
    assert abs(found[1]) < 0.02
    assert found[2:].tolist() == [0, 0]


def test_models_without_features_have_no_precision_and_teachers_without_any_no_recall() -> None:
    owned = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]], bool)
    precision, recall = shared_with(owned, np.array([0, 1]), np.array([2]))
    assert (precision.mean, precision.n) == (0.5, 1)
    assert (recall.mean, recall.n) == (0.25, 2)
    precision, recall = shared_with(owned, np.array([0]), np.array([3]))
    assert precision.mean == 0
    assert math.isnan(recall.mean)
