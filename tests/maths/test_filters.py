"""Filter norms, literally."""

from __future__ import annotations

import torch

from workbench.maths.filters import filter_normalised, filter_norms, orthogonal_in_filters

SHAPES = [(4, 3, 2, 2), (4,), (5, 7), (5,), (3, 1)]


def drawn(seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in SHAPES]


def test_every_filter_gets_the_norm_of_the_weights_and_biases_stay_where_they_are() -> None:
    weights, direction = drawn(0), drawn(1)
    found = filter_normalised(direction, weights)
    for f, d, w in zip(found, direction, weights, strict=True):
        if w.dim() == 1:
            assert f.abs().sum() == 0
            continue
        for k in range(len(w)):  # one filter, or one row of a fully connected layer
            size = sum(x**2 for x in w[k].flatten().tolist()) ** 0.5
            given = sum(x**2 for x in d[k].flatten().tolist()) ** 0.5
            assert torch.allclose(f[k], d[k] * size / given)


def test_norms_stand_beside_their_weights() -> None:
    assert [tuple(n.shape) for n in filter_norms(drawn(0))] == [(4, 1, 1, 1), (4,), (5, 1), (5,), (3, 1)]


def test_a_filter_of_zeros_gives_no_direction() -> None:
    weights = drawn(0)
    weights[2][1] = 0
    assert filter_normalised(drawn(1), weights)[2][1].abs().sum() == 0
    flat = [torch.zeros_like(d) for d in drawn(1)]
    assert all(torch.equal(f, torch.zeros_like(f)) for f in filter_normalised(flat, drawn(0)))


def test_two_directions_stay_orthogonal_after_rescaling() -> None:
    weights, first, second = drawn(0), drawn(1), drawn(2)
    second = orthogonal_in_filters(second, first)
    first, second = filter_normalised(first, weights), filter_normalised(second, weights)
    for a, b in zip(first[:4], second[:4], strict=True):
        assert torch.allclose((a.flatten(1) * b.flatten(1)).sum(1) if a.dim() > 1 else a, torch.zeros(len(a)).double())
    assert second[4].abs().sum() > 0  # filters of one weight: there is no other direction
