"""Examples of concepts."""

from __future__ import annotations

import numpy as np

from tests.examples import HOSTILE
from workbench.diagnostics.attribution.measure_plan import Plan
from workbench.diagnostics.concepts.measure import Concepts, concepts
from workbench.diagnostics.concepts.measure_numbers import Counts

PARTIES = {"teacher": "head:input", "student": "classifier:input", "control": "classifier:input"}


def found(names: tuple[str, ...] = ("round", "straight"), *, sure: bool = True) -> Concepts:
    generator = np.random.default_rng(0)
    shape = (len(PARTIES), len(names), 10)
    level = np.linspace(0.9, 0.4, len(names))[None, :, None] if sure else 0.5
    signs = np.clip(level + 0.05 * generator.normal(size=shape), 0, 1)
    accuracies = np.full(shape, 0.9 if sure else 0.5)
    null = np.clip(0.5 + 0.1 * generator.normal(size=(*shape[:2], 99)), 0, 1)
    counts = Counts(signs, signs - 0.5, accuracies, null, null - 0.5, np.full(null.shape, 0.5))
    return concepts(counts, names=dict.fromkeys(names, 40), layers=PARTIES, plan=Plan(score="dark_logit"), n=60)


def results() -> list[Concepts]:
    return [found()]


def incomplete() -> list[Concepts]:
    return [found(("vague",), sure=False)]


def hostile() -> list[Concepts]:
    return [found((HOSTILE, "b"))]
