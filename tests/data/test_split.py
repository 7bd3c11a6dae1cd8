"""Splits, shares of a pool, and the two moons."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.asymmetry import but, few
from workbench.data.moons import two_moons
from workbench.data.split import stratified, uniform
from workbench.data.transfer import TransferSet


@given(st.lists(st.integers(2, 30), min_size=1, max_size=5), st.floats(0.01, 0.99), st.integers(0, 5))
def test_a_stratified_split_takes_its_share_of_every_class(sizes: list[int], share: float, seed: int) -> None:
    """At least one, never all, and every row is on one side."""
    labels = torch.cat([torch.full((size,), k) for k, size in enumerate(sizes)])
    kept, taken = stratified(labels, share, seed)
    assert sorted([*kept.tolist(), *taken.tolist()]) == list(range(len(labels)))
    for k, size in enumerate(sizes):
        got = int((labels[taken] == k).sum())
        assert 1 <= got < size
        assert abs(got - share * size) <= 1


def test_splits_depend_on_their_seed_only() -> None:
    """Whatever the global random state is."""
    labels = torch.arange(40) % 4
    first = stratified(labels, 0.3, 5)[1]
    torch.manual_seed(99)
    assert torch.equal(first, stratified(labels, 0.3, 5)[1])
    assert not torch.equal(first, stratified(labels, 0.3, 6)[1])
    assert torch.equal(uniform(10, 0.3, 5)[1], uniform(10, 0.3, 5)[1])


def test_a_class_of_one_cannot_be_split() -> None:
    """The message names it."""
    with pytest.raises(ValueError, match="class 7 has 1 sample"):
        stratified(torch.tensor([0, 0, 7]), 0.5)


def test_an_even_split_covers_all_rows() -> None:
    """For targets that are no classes."""
    kept, taken = uniform(10, 0.25)
    assert sorted([*kept.tolist(), *taken.tolist()]) == list(range(10))
    assert len(taken) == 2


def pool() -> TransferSet:
    """100 samples of two classes with ids of their own."""
    return TransferSet(torch.arange(100.0)[:, None], torch.arange(100) % 2, ids=torch.arange(100) + 7)


def test_few_labels_and_more_inputs() -> None:
    """The labelled ones are balanced, the others lost their label, no sample comes twice, the pool is untouched."""
    whole = pool()
    drawn = few(whole, 20, 50)
    assert len(drawn) == 70
    assert drawn.labels[drawn.labelled].bincount().tolist() == [10, 10]
    assert len(drawn.ids.unique()) == 70
    rows = drawn.ids - 7
    assert torch.equal(drawn.inputs, whole.inputs[rows])
    assert torch.equal(drawn.labels[drawn.labelled], whole.labels[rows[drawn.labelled]])
    assert (whole.labels >= 0).all()


def test_the_same_labels_whatever_else_is_asked_for() -> None:
    """So that arms with and without transfer inputs are comparable."""
    alone, more = few(pool(), 20), few(pool(), 20, 50)
    assert torch.equal(alone.ids, more.ids[more.labelled])


def test_more_than_there_is() -> None:
    """Both numbers and the size of the pool are named."""
    with pytest.raises(ValueError, match="60 labelled and 50 further inputs are more than the 100"):
        few(pool(), 60, 50)
    with pytest.raises(ValueError, match="needs student_labels"):
        few(pool(), None, 10)
    whole = pool()
    assert few(whole, None) is whole


def test_all_but_some() -> None:
    """By their ids."""
    left = but(pool(), few(pool(), 20))
    assert len(left) == 80
    assert not set(left.ids.tolist()) & set(few(pool(), 20).ids.tolist())


def test_moons_without_noise_lie_on_their_circles() -> None:
    """Upper around (0, 0), lower around (1, 1/2), radius 1, half circles on their own side."""
    points, labels = two_moons(200, noise=0.0)
    for (x, y), label in zip(points.tolist(), labels.tolist(), strict=True):
        centre_x, centre_y = (1.0, 0.5) if label else (0.0, 0.0)
        assert math.hypot(x - centre_x, y - centre_y) == pytest.approx(1, abs=1e-6)
        assert (y <= 0.5 + 1e-6) if label else (y >= -1e-6)
    assert labels.bincount().tolist() == [100, 100]


def test_moons_noise_has_the_asked_size() -> None:
    """Standard deviation of the difference to the noiseless moons, which share their angles."""
    clean, noisy = two_moons(20_000, 0.0, 3)[0], two_moons(20_000, 0.3, 3)[0]
    assert (noisy - clean).std().item() == pytest.approx(0.3, rel=0.02)
    assert not torch.equal(noisy, two_moons(20_000, 0.3, 4)[0])
