"""The reverse divergence, token by token."""

from __future__ import annotations

import pytest

from tests.methods.case import check
from tests.methods.literal import kl
from tests.methods.sequences.board import cases
from workbench.methods.sequences.reverse_kl import ReverseKL


def reverse(q, p):
    return kl(q, p)


ORACLES = cases(ReverseKL, reverse)


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())
