"""How a term of one number per sample becomes one number: whom it counts, and by what weight."""

from __future__ import annotations

import pytest
import torch

from workbench.engine.training.terms import Averages
from workbench.records.batch import Batch

IDS, INPUTS = torch.arange(4), torch.zeros(4, 1)
TERM = torch.tensor([1.0, 2.0, 4.0, 8.0])
MASK = torch.tensor([[True, True], [False, False], [True, False], [False, False]])


def averaged(name="soft", term=TERM, everyone_labelled=False, **fields):
    return Averages(everyone_labelled)(name, term, Batch(IDS, INPUTS, **fields)).item()


def test_a_text_without_a_counted_position_does_not_dilute_the_mean():
    term = TERM.where(MASK.any(1), torch.zeros(()))
    assert averaged(term=term, mask=MASK) == pytest.approx((1 + 4) / 2)


def test_what_a_term_holds_where_nothing_counts_is_not_read():
    garbage = torch.tensor([1.0, float("nan"), 4.0, float("inf")])
    assert averaged(term=garbage, mask=MASK) == pytest.approx((1 + 4) / 2)
    assert averaged(term=garbage, weight=torch.tensor([1.0, 0.0, 3.0, 0.0])) == pytest.approx((1 + 12) / 4)


def test_a_text_without_a_label_does_not_dilute_the_label_loss_even_where_every_sample_of_the_data_has_one():
    labels = torch.tensor([[2, -1], [-1, -1], [0, 1], [-1, 3]])
    for name in ("labels", "peer_1.labels"):
        assert averaged(name, labels=labels, everyone_labelled=True) == pytest.approx((1 + 4 + 8) / 3)


def test_the_mask_of_positions_says_nothing_about_the_labels_of_whole_texts():
    labels = torch.tensor([0, 1, -1, 1])
    assert averaged("labels", labels=labels, mask=MASK) == pytest.approx((1 + 2 + 8) / 3)


def test_weights_and_counted_positions_meet():
    weight = torch.tensor([3.0, 5.0, 1.0, 7.0])
    assert averaged(mask=MASK, weight=weight) == pytest.approx((3 * 1 + 1 * 4) / 4)


@pytest.mark.parametrize("size", [0.25, 1.0, 16.0])
def test_equal_weights_are_no_weights_to_the_last_bit(size):
    term = torch.randn(4, generator=torch.Generator().manual_seed(0))
    assert averaged(term=term, weight=torch.full((4,), size)) == averaged(term=term)


def test_where_nothing_counts_at_all_the_term_is_zero():
    assert averaged(mask=torch.zeros(4, 2, dtype=torch.bool)) == 0
