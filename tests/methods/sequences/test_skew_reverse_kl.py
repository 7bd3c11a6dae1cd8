"""The skew reverse divergence: a tenth of the student on the teacher's side, with its gradient."""

from __future__ import annotations

import pytest

from tests.methods.case import check
from tests.methods.literal import kl
from tests.methods.sequences.board import cases
from workbench.methods.sequences.skew_reverse_kl import SkewReverseKL


def skewed(q, p):
    return kl(q, [0.1 * b + 0.9 * a for a, b in zip(p, q, strict=True)])


ORACLES = cases(SkewReverseKL, skewed)


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())
