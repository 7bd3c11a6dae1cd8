"""The probability that would have to be moved, token by token."""

from __future__ import annotations

import pytest

from tests.methods.case import check
from tests.methods.sequences.board import cases
from workbench.methods.sequences.total_variation import TotalVariation


def moved(q, p):
    return sum(max(a - b, 0) for a, b in zip(p, q, strict=True))


ORACLES = cases(TotalVariation, moved)


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())
