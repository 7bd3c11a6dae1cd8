"""Counts over groups, class information and the card of a feature, against literal loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.diagnostics.interaction.planted import copies, planted
from workbench.data.transfer import TransferSet
from workbench.diagnostics.interaction.measure import Interaction, Samples, interaction
from workbench.diagnostics.interaction.measure_groups import class_information, shared_with
from workbench.diagnostics.interaction_feature.measure import interaction_feature


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


def test_a_card_shows_where_a_feature_is_strongest() -> None:
    found = tensor(labels=np.arange(300) % 4, class_names=tuple("wxyz"), ids=1000 + np.arange(300))
    for number in (0, found.features - 1):
        card = interaction_feature(found, number, count=5)
        rows = np.flatnonzero(found.feature == number)
        standard = [(p - p.mean()) / p.std() for p in found.scores[rows].astype(float)]
        mean = [sum(s * z[n] for s, z in zip(found.sign[rows], standard, strict=True)) / len(rows) for n in range(300)]
        best = sorted(range(300), key=lambda n: -mean[n])[:5]
        assert card.top_ids.tolist() == [1000 + n for n in best]
        assert card.strength == pytest.approx([mean[n] for n in best])
        assert card.selection.ids.tolist() == card.top_ids.tolist()
        assert card.frequency.tolist() == found.frequency[:, number].tolist()
        used = found.omega.active[found.omega.feature == number].any(axis=0)
        assert card.active.tolist() == [int(used[np.arange(300) % 4 == k].sum()) for k in range(4)]
        assert card.lift == pytest.approx([4 * count / used.sum() for count in card.active])
    assert interaction_feature(found, 0).owners.tolist() == [2, 2]


def test_a_card_of_the_released_form_does_not_cancel_itself() -> None:
    models = copies(4, seed=1)
    found = interaction(models, {"a": list(models)}, mode="corrected")
    released = interaction(models, {"a": list(models)}, mode="paper")
    assert interaction_feature(found, 0).strength[0] > 2
    assert (found.sign < 0).any()
    assert interaction_feature(released, 0).strength[0] > 1.5


def test_a_card_brings_pictures_where_the_samples_are_images() -> None:
    found = tensor()
    images = torch.arange(300 * 4, dtype=torch.float32).reshape(300, 1, 2, 2)
    card = interaction_feature(found, 1, count=3, samples=TransferSet(images))
    assert card.pictures.shape == (3, 2, 2)
    assert (card.pictures.min(), card.pictures.max()) == (0, 1)
    assert np.array_equal(np.argsort(card.pictures[:, 0, 0]), np.argsort(card.top_ids))
    assert interaction_feature(found, 1, samples=TransferSet(torch.zeros(300, 5))).pictures.size == 0
    with pytest.raises(ValueError, match="the inputs have no sample"):
        interaction_feature(found, 1, samples=TransferSet(images, ids=torch.arange(5000, 5300)))


def test_a_card_without_labels_has_no_classes() -> None:
    card = interaction_feature(tensor(), 0)
    assert card.class_names == ()
    assert card.lift.size == 0
    assert math.isnan(card.class_information)
    assert "2 of 2 models of a" in card.explain()


@pytest.mark.parametrize("number", [-1, 12])
def test_a_feature_that_is_not_there_is_said(number: int) -> None:
    with pytest.raises(KeyError, match="there are 12, numbered from 0"):
        interaction_feature(tensor(), number)


def test_no_sample_asked_for_is_an_error() -> None:
    with pytest.raises(ValueError, match="count = 0 must be 1 or more"):
        interaction_feature(tensor(), 0, count=0)
