"""The card of one feature: where it is strongest, of which classes, in which models."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.diagnostics.interaction.planted import copies, planted
from workbench.data.transfer import TransferSet
from workbench.diagnostics.interaction.measure import Interaction, Samples, interaction
from workbench.diagnostics.interaction_feature.measure import interaction_feature


def tensor(samples: int = 300, **about: object) -> Interaction:
    models = planted(samples=samples)
    return interaction(models, {"a": ["m0", "m1"], "b": ["m2", "m3"]}, samples=Samples(**about))


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
