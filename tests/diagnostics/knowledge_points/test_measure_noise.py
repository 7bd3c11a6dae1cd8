"""The noise a net bears, against a linear net whose answer is known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from workbench.diagnostics.knowledge_points import measure_noise as k

WEIGHTS = (torch.rand(5, 16, generator=torch.Generator().manual_seed(0)) + 0.2) * torch.linspace(0.5, 3, 16)
IMAGES = torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(1))


def linear(images: Tensor) -> Tensor:
    """Far from the kink of the rectifier."""
    return images.flatten(1) @ WEIGHTS.T + 100


def dice() -> torch.Generator:
    return torch.Generator().manual_seed(2)


def test_a_linear_net_bears_noise_in_proportion_to_its_weights() -> None:
    found = k.noise_entropies(linear, IMAGES, 4, dice(), steps=200)
    lengths = WEIGHTS.square().sum(0).sqrt().reshape(4, 4)
    expected = -lengths.log() + lengths.log().mean() - 2.8  # H_i - H_j = -log(|W_i| / |W_j|), at the common level
    torch.testing.assert_close(found, expected.expand_as(found), atol=0.12, rtol=0)
    assert found.mean((1, 2)).tolist() == pytest.approx([-2.8, -2.8], abs=1e-5)


def test_twice_the_weight_bears_half_the_noise() -> None:
    weights = torch.ones(3, 4)
    weights[:, 2] = 2

    def ask(images: Tensor) -> Tensor:
        return images.flatten(1) @ weights.T + 100

    (found,) = k.noise_entropies(ask, torch.rand(1, 1, 2, 2), 2, dice(), steps=200).flatten(1)
    assert float(found[[0, 1, 3]].mean() - found[2]) == pytest.approx(math.log(2), abs=0.1)


def test_a_cell_has_one_noise_for_all_its_pixels_and_channels() -> None:
    seen = []

    def ask(images: Tensor) -> Tensor:
        seen.append(images.detach())
        return images.flatten(1) + 100

    images = torch.zeros(1, 3, 4, 4)
    k.released_entropies(ask, images, 2, dice(), steps=1, draws=4000)
    spread = seen[1].std(0)
    assert spread.shape == (3, 4, 4)
    torch.testing.assert_close(spread, torch.full_like(spread, 0.01), rtol=0.1, atol=0)


def test_the_released_search_moves_towards_the_same_order() -> None:
    found = k.released_entropies(linear, IMAGES, 4, dice())
    lengths = WEIGHTS.square().sum(0).sqrt().reshape(-1)
    for image in found.flatten(1):
        assert torch.corrcoef(torch.stack((image, -lengths.log())))[0, 1] > 0.8
    assert (found >= math.log(1e-3) + k.GAUSSIAN).all()
    assert (found.mean((1, 2)) + 2.8).abs().max() < 0.3


@pytest.mark.parametrize(("rate", "asked"), [(2e-4, 9), (4e-6, 12)])
def test_the_released_search_is_that_of_a_literal_loop(rate: float, asked: int) -> None:
    steps, draws = 12, 5

    def ask(images: Tensor) -> Tensor:
        return images.flatten(1) @ WEIGHTS[:, :4].T + 10

    image = IMAGES[:1, :, :2, :2]
    found = k.released_entropies(ask, image, 2, dice(), steps=steps, rate=rate, draws=draws)
    generator, clean = dice(), ask(image)

    def change(sigma: Tensor) -> Tensor:
        noise = torch.randn((draws, 1, 1, 2, 2), generator=generator)
        return torch.stack([(ask(image + sigma * each) - clean).square().mean() for each in noise]).mean()

    unit, weight = change(torch.full((2, 2), 0.01)), 6.0
    sigma, seen = torch.full((2, 2), 0.01), []
    for step in range(steps):
        if step == 9:
            if max(float(each.log().mean()) + 1.4189385 for each in seen) > -2.8:
                break
            weight = 9.0
        sigma = sigma.clamp(1e-3, 1).requires_grad_()
        seen.append(sigma.detach().clone())
        (slope,) = torch.autograd.grad(change(sigma) / unit - weight * sigma.log().mean(), sigma)
        sigma = sigma.detach() - rate * slope
    best = min(seen, key=lambda each: abs(float(each.log().mean()) + 1.4189385 + 2.8))
    assert len(seen) == asked  # the slow one has not got there, and is pushed harder
    torch.testing.assert_close(found[0], best.log() + 1.4189385, rtol=1e-4, atol=1e-5)


def test_the_released_box_is_larger_where_sixths_are_not_whole() -> None:
    assert k.released_box(16)[2:14, 2:14].all()
    assert k.released_box(16).sum() == 144
    assert k.central_box(16).sum() == 100


@pytest.mark.parametrize("seek", [k.noise_entropies, k.released_entropies])
def test_a_net_that_does_not_look_bears_anything(seek: object) -> None:
    blind_to_first = [IMAGES[:1] * 0 + 5, IMAGES[1:]]

    def ask(images: Tensor) -> Tensor:
        looks = (images.flatten(1).mean(1, keepdim=True) < 3).float()
        return looks * linear(images)

    found = seek(ask, torch.cat(blind_to_first), 4, dice(), steps=3, draws=4)
    assert found[0].isnan().all()
    assert found[1].isfinite().all()


def test_the_box_is_the_middle_two_thirds() -> None:
    assert k.central_box(6).sum() == 16
    assert k.central_box(6)[1:5, 1:5].all()
    assert k.central_box(1).all()
