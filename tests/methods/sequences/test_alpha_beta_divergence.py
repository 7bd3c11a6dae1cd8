"""The alpha-beta divergence at the powers of the authors."""

from __future__ import annotations

import pytest

from tests.methods.case import check
from tests.methods.sequences.board import cases
from workbench.methods.sequences.alpha_beta_divergence import AlphaBetaDivergence


def powers(q, p):
    inner = [a**0.2 * b**0.7 - 0.2 / 0.9 * a**0.9 - 0.7 / 0.9 * b**0.9 for a, b in zip(p, q, strict=True)]
    return -sum(inner) / (0.2 * 0.7)


ORACLES = cases(AlphaBetaDivergence, powers)


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())
