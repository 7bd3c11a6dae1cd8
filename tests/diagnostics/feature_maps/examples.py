"""Examples of the maps of one feature: of images and of series."""

from __future__ import annotations

import numpy as np

from tests.examples import HOSTILE
from workbench.diagnostics.attribution.measure_plan import Plan
from workbench.diagnostics.feature_maps.measure import FeatureMaps, feature_maps


def made(shape: tuple[int, ...] = (6, 6), model: str = "kd, seed 0", samples: int = 9) -> FeatureMaps:
    """Three components in two features, one of them left out."""
    generator = np.random.default_rng(0)
    return feature_maps(
        generator.normal(size=(samples, *shape)),
        generator.normal(size=samples),
        np.array([2, 0, -1, 2]),
        generator.normal(size=(samples, 5)) + np.array([1.0, 0.2, 0.1, 0.4, 0.1]),
        Plan(score="dark_logit"),
        2,
        model=model,
        layer="classifier:input",
        inputs=generator.random((samples, 1, *shape)),
        ids=np.arange(samples),
        labels=np.arange(samples) % 3,
        class_names=("circle", model, "triangle"),
        warnings=(),
    )


def results() -> list[FeatureMaps]:
    return [made()]


def incomplete() -> list[FeatureMaps]:
    return [made((20,)), made(samples=1)]


def hostile() -> list[FeatureMaps]:
    return [made(model=HOSTILE)]
