"""The skew divergence: a tenth of the teacher on the student's side."""

from __future__ import annotations

import pytest

from tests.methods.case import check
from tests.methods.literal import kl
from tests.methods.sequences.board import cases
from workbench.methods.sequences.skew_kl import SkewKL


def skewed(q, p):
    return kl(p, [0.1 * a + 0.9 * b for a, b in zip(p, q, strict=True)])


ORACLES = cases(SkewKL, skewed)


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())
