"""Generators: the shape that is wanted, the scale, and no parameter without effect."""

from __future__ import annotations

import pytest
import torch

from workbench.models.generator import NOISE, Generator

SHAPES = [(2,), (5, 4), (1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 7, 9), (2, 1, 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_inputs_have_the_shape_and_each_channel_mean_0_and_deviation_1(shape):
    made = Generator(shape)(torch.randn(64, NOISE))
    assert made.shape == (64, *shape)
    channels = made.transpose(0, 1).flatten(1) if len(shape) == 3 else made.flatten(1).T
    torch.testing.assert_close(channels.mean(1), torch.zeros(len(channels)), atol=1e-4, rtol=0)
    torch.testing.assert_close(channels.std(1, unbiased=False), torch.ones(len(channels)), atol=1e-2, rtol=0)


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8)])
def test_every_parameter_has_an_effect_and_different_noise_makes_different_inputs(shape):
    generator = Generator(shape).double()
    made = generator(torch.randn(8, NOISE, dtype=torch.float64))
    (made * torch.randn_like(made)).sum().backward()
    assert all(p.grad.abs().sum() > 1e-8 for p in generator.parameters())
    assert not torch.allclose(made[0], made[1])


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 4)])
def test_nothing_cannot_be_made(shape):
    with pytest.raises(ValueError, match=r"cannot be made; .* is needed"):
        Generator(shape)
