"""Effective samples of chains whose autocorrelation is known."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.diagnostics.divergence.measure_parameters import effective_samples


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_an_autoregression_has_a_closed_form(memory: float) -> None:
    generator, count = np.random.default_rng(0), 20_000
    chain = np.zeros((count, 6))
    for k in range(1, count):
        chain[k] = memory * chain[k - 1] + generator.normal(size=6)
    wanted = count * (1 - memory) / (1 + memory)
    assert effective_samples(chain).mean() == pytest.approx(wanted, rel=0.1)
    assert (effective_samples(chain) <= count).all()


def test_a_literal_sum_of_autocorrelations() -> None:
    values = np.random.default_rng(1).normal(size=30).cumsum()
    apart = values - values.mean()
    r = [sum(apart[i] * apart[i + k] for i in range(30 - k)) / sum(apart**2) for k in range(30)]
    total = 0.0
    for k in range(0, 30, 2):
        if r[k] + r[k + 1] <= 0:
            break
        total += r[k] + r[k + 1]
    assert effective_samples(values[:, None])[0] == pytest.approx(30 / (2 * total - 1))


def test_a_chain_that_swings_is_worth_its_length() -> None:
    swinging = np.resize([1.0, -1.0], 100) + np.random.default_rng(0).normal(0, 0.1, 100)
    assert effective_samples(swinging[:, None])[0] == 100


def test_what_does_not_move_has_none_and_a_short_chain_is_refused() -> None:
    assert np.isnan(effective_samples(np.ones((10, 1)))[0])
    with pytest.raises(ValueError, match=r"needed is \(n, P\) with n of 4 or more"):
        effective_samples(np.zeros((3, 2)))
