"""Examples of disagreement between seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.examples import HOSTILE, outputs
from workbench.diagnostics.seed_disagreement.measure import SeedDisagreement, seed_disagreement


def results() -> list[SeedDisagreement]:
    student, _, labels = outputs()
    noise = np.random.default_rng(0).normal(size=(4, *student.shape))
    return [seed_disagreement(student + 2 * noise, labels, arm="kd")]


def incomplete() -> list[SeedDisagreement]:
    """Two seeds that say the same and are right."""
    return [seed_disagreement([np.eye(2), np.eye(2)], [0, 1])]


def hostile() -> list[SeedDisagreement]:
    return [replace(results()[0], arm=HOSTILE)]
