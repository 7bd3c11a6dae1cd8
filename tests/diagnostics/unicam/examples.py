"""UniCAM of made-up features that share something with a teacher, with and without places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workbench.diagnostics.unicam.measure import UniCAM, unicam


def made(*, places: bool = True, samples: int = 40) -> UniCAM:
    """The student has what the control has, and something of the teacher's besides."""
    generator = np.random.default_rng(0)
    labels = np.arange(samples) % 3
    own, guide = generator.normal(size=(samples, 4)) + labels[:, None], generator.normal(size=(samples, 4))
    student = np.concatenate([own, guide], axis=1)
    if not places:
        return unicam(student, own, guide, labels)
    spread = generator.random((1, 1, 3, 3)) + 0.2
    maps = [each[:, :, None, None] * spread for each in (student, own, guide)]
    images = generator.random((samples, 1, 8, 8))
    result = unicam(*maps, labels)
    return replace(result, images=images[: len(result.distilled)], layer="layer2")


def results() -> list[UniCAM]:
    """With maps."""
    return [made()]


def incomplete() -> list[UniCAM]:
    """Without maps, with few samples, and with maps of unknown images."""
    return [made(places=False), made(places=False, samples=12), replace(made(), images=np.zeros((0, 0)))]
