"""Examples of the linear-Gaussian laboratory."""

from __future__ import annotations

from workbench.diagnostics.linear_gaussian.measure import Laboratory, LinearGaussian, linear_gaussian


def results() -> list[LinearGaussian]:
    return [linear_gaussian(Laboratory(rank=2), along) for along in ("samples", "rank")]
