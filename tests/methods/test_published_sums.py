"""Sums: the weights that some were published with, and what depends on the order in which methods are added up."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

from tests.contracts.scene import scene
from workbench.methods.catalog import make
from workbench.methods.features.crd import CRD
from workbench.methods.features.norm_direction import NormDirection
from workbench.methods.logits.kd import KD

ADDED = ("kd", "dkd", "logit_standardization", "dot", "crd", "attention_transfer", "norm_direction", "rkd")

PAIRS = [pair for pair in combinations(ADDED, 2) if set(pair) != {"dot", "logit_standardization"}]
"""All but the two that are both about another method."""


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("kd+crd", {"kd.label_weight": 1, "kd.soft_weight": 1, "crd.weight": 0.8}),
        ("kd++", {"kd.label_weight": 1, "kd.soft_weight": 1, "norm_direction.weight": 1}),
    ],
)
def test_sums_that_were_published_have_the_weights_of_their_authors_in_either_order(name, weights):
    config = make(name).config()
    assert {key: config[key] for key in weights} == weights
    turned = "+".join(reversed(make(name).name.split("+")))
    assert make(turned).config() == config


@pytest.mark.parametrize("other", [CRD, NormDirection])
def test_methods_that_are_added_up_as_objects_get_the_same_weights_and_stay_as_they_were(other):
    kd, second = KD(), other()
    assert (kd + second).config() == make(f"kd+{second.name}").config()
    assert kd.config() == KD().config()


def test_a_weight_that_was_given_is_kept():
    assert (KD(soft_weight=0.5) + CRD()).config()["kd.soft_weight"] == 0.5
    assert (KD(soft_weight=0.5) + CRD()).config()["kd.label_weight"] == KD().label_weight
    given = make("kd++", {"norm_direction.weight": 2})
    assert given.config()["norm_direction.weight"] == 2
    assert given.config()["kd.label_weight"] == 1
    assert make(given.name, given.config()).config() == given.config()


@pytest.mark.parametrize("pair", PAIRS, ids="+".join)
def test_the_order_of_a_sum_changes_nothing_but_whose_labels_they_are_and_the_name(pair):
    first, second = (scene(lambda names=names: make("+".join(names))) for names in (pair, pair[::-1]))
    assert first.method.config() == second.method.config()
    found, turned = first.terms(), second.terms()
    assert found.keys() == turned.keys()
    for name in found.keys() - {"distill/labels"}:
        assert found[name].shape == turned[name].shape
        if not dict(first.method.named_parameters()):  # adapters are drawn in the order of the methods
            torch.testing.assert_close(found[name], turned[name])
