"""The contrast in cases one can work out."""

from __future__ import annotations

import math

import torch

from workbench.methods.features.crd import nce, normaliser

DRAWN = torch.tensor([[False, True, True, False]])
PARTNER = torch.tensor([0])


def test_where_all_samples_are_as_likely_as_noise_every_decision_is_a_coin_toss_with_two_to_one_odds():
    # two negatives of four samples: noise 2/4; every sample has probability 1/4, so the odds are 1 : 2
    found = nce(torch.full((1, 4), 0.25), PARTNER, DRAWN)
    torch.testing.assert_close(found, torch.tensor([-math.log(1 / 3) - 2 * math.log(2 / 3)]))


def test_what_is_not_drawn_does_not_count():
    likely = torch.tensor([[0.25, 0.25, 0.25, 1000.0]])
    torch.testing.assert_close(nce(likely, PARTNER, DRAWN), nce(torch.full((1, 4), 0.25), PARTNER, DRAWN))


def test_a_certain_partner_among_impossible_others_costs_nothing():
    assert nce(torch.tensor([[1e6, 0.0, 0.0, 0.0]]), PARTNER, DRAWN).abs().max() < 1e-5


def test_without_negatives_there_is_nothing_to_tell_apart():
    none = torch.zeros(1, 4, dtype=torch.bool)
    probabilities = torch.full((1, 4), 0.25, requires_grad=True)
    nce(probabilities, PARTNER, none).sum().backward()
    assert probabilities.grad.abs().max() < 1e-5


def test_the_normaliser_is_the_number_of_samples_times_the_mean_of_those_used():
    torch.testing.assert_close(normaliser(torch.tensor([[1.0, 2.0, 6.0, 99.0]]), PARTNER, DRAWN), torch.tensor(12.0))
