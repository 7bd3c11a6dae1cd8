"""Examples of the fidelity."""

from __future__ import annotations

import numpy as np

from tests.examples import outputs
from workbench.diagnostics.fidelity.measure import Fidelity, fidelity


def results() -> list[Fidelity]:
    return [fidelity(*outputs())]


def incomplete() -> list[Fidelity]:
    """A model that knows no order of the classes, and one temperature."""
    return [fidelity(np.zeros((3, 2)), np.eye(2)[[0, 1, 0]], [0, 1, 1], temperatures=(2.0,))]
