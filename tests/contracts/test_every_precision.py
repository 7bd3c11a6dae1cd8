"""Every method runs under bfloat16 autocast, on the processor, and sees what it would have seen without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.contracts.probes.world import run
from tests.contracts.test_every_control import FEW, place
from workbench.methods.catalog import catalog, make

pytestmark = pytest.mark.slow
APART = 0.05
"""How far the labels' loss of a first step may be from that in single precision, as a share of it."""


@pytest.mark.parametrize("name", catalog())
def test_terms_stay_finite_and_the_labels_are_learnt_from_the_same_loss(name):
    where, budget = place(name)
    half, single = (
        run(where, make(name, FEW.get(name)), replace(budget, precision=precision)).curves
        for precision in ("bfloat16", "float32")
    )
    assert half.keys() >= {key for key in single if key.startswith("terms/")}
    for key, curve in half.items():
        assert np.isfinite(curve.values).all(), key
    if "terms/labels" in single and single["terms/labels"].steps[0] == 1:
        first, expected = half["terms/labels"].values[0], single["terms/labels"].values[0]
        assert abs(first - expected) <= APART * abs(expected) + 1e-3
