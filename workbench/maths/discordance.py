"""Are two models of the same samples equally often right? McNemar's test on the samples where only one of them is.

Formula:
    n01 and n10 samples on which only the first, only the second is right; n = n01 + n10, X ~ Binomial(n, 1/2).
    exact = min(1, 2 P(X <= min(n01, n10)));  mid-p = exact - P(X = min(n01, n10));
    chi2 = (|n01 - n10| - 1)^2 / n, with Edwards' correction, against one degree of freedom.

When it misleads: the exact test is conservative for few discordant samples, mid-p is nearer to its level; both speak
of this test set and these two models, not of other seeds.
After: McNemar 1947; Edwards 1948; Fagerland, Lydersen and Laake 2013 (mid-p).
"""

from __future__ import annotations

from typing import NamedTuple


class McNemar(NamedTuple):
    """Three versions of the test.

    Attributes:
        exact: two-sided p of the binomial test.
        mid_p: the same with half the weight of what was observed.
        chi2: statistic with continuity correction; 0 without discordant samples.
        chi2_p: its p.
    """

    exact: float
    mid_p: float
    chi2: float
    chi2_p: float


def mcnemar(only_first: int, only_second: int) -> McNemar:
    """The test for two discordant counts; p is 1 where there are none.

    Raises:
        ValueError: a negative count.

    Example:
        >>> found = mcnemar(10, 2)
        >>> f"{found.exact:.5f} {found.chi2:.3f}"
        '0.03857 4.083'
    """
    from scipy.stats import binom, chi2

    if only_first < 0 or only_second < 0:
        raise ValueError(f"{only_first} and {only_second} discordant samples: counts are 0 or more")
    few, n = min(only_first, only_second), only_first + only_second
    if n == 0:
        return McNemar(1.0, 1.0, 0.0, 1.0)
    tail, point = float(binom.cdf(few, n, 0.5)), float(binom.pmf(few, n, 0.5))
    statistic = max(abs(only_first - only_second) - 1, 0) ** 2 / n
    return McNemar(min(1.0, 2 * tail), min(1.0, 2 * tail - point), float(statistic), float(chi2.sf(statistic, 1)))
