"""McNemar's test against the published example, sums of binomial coefficients and its level under the null."""

from __future__ import annotations

from math import comb, erfc, sqrt

import pytest

from workbench.diagnostics.flips.measure import mcnemar


def test_the_example_of_ten_and_two():
    found = mcnemar(10, 2)
    assert found.exact == pytest.approx(2 * (comb(12, 0) + comb(12, 1) + comb(12, 2)) / 2**12)
    assert round(found.exact, 5) == 0.03857
    assert round(found.chi2, 3) == 4.083
    assert found.chi2_p == pytest.approx(erfc(sqrt(49 / 12 / 2)))  # one degree of freedom is a squared normal
    assert found.mid_p == pytest.approx(found.exact - comb(12, 2) / 2**12)


def test_it_does_not_matter_which_model_comes_first():
    assert mcnemar(3, 8) == mcnemar(8, 3)


@pytest.mark.parametrize("equal", [0, 1, 7])
def test_equal_counts_say_nothing(equal):
    found = mcnemar(equal, equal)
    assert (found.exact, found.chi2) == (1.0, 0.0)
    assert found.mid_p == pytest.approx(1.0)


def test_levels_under_the_null():
    """Summed over all outcomes of 11 fair coins: exact stays below 5 %, mid-p is nearer to it."""
    chance = {k: comb(11, k) / 2**11 for k in range(12)}
    exact, mid = (
        sum(p for k, p in chance.items() if getattr(mcnemar(k, 11 - k), kind) <= 0.05) for kind in ("exact", "mid_p")
    )
    assert exact <= 0.05
    assert abs(mid - 0.05) < abs(exact - 0.05)


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="-1 and 3 discordant"):
        mcnemar(-1, 3)
