"""Models whose features are known, for tests of the interaction tensor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.diagnostics.interaction.measure_components import Components, components

SETS = ((0, 1, 2, 3, 4, 5), (0, 1, 2, 3, 6, 7), (0, 1, 2, 8, 9, 10), (0, 1, 2, 3, 11, 5))
"""Four models of six features each, twelve in all."""

SHARED = {(0, 1): 4, (0, 2): 3, (0, 3): 5, (1, 2): 3, (1, 3): 4, (2, 3): 3}


def planted(
    sets: Sequence[Sequence[int]] = SETS, samples: int = 2000, seed: int = 0, noise: float = 1e-6
) -> dict[str, Components]:
    """Each model sees its latent features through a random rotation, at scales that make their order known."""
    generator = np.random.default_rng(seed)
    latent = generator.exponential(size=(samples, max(map(max, sets)) + 1))  # skewed, so that a feature has one tail
    latent -= latent.mean(axis=0)
    latent = latent @ np.linalg.inv(np.linalg.cholesky(latent.T @ latent / samples)).T  # uncorrelated on these samples
    found = {}
    for place, each in enumerate(sets):
        scales = np.linspace(10, 4, len(each))
        turn = np.linalg.qr(generator.normal(size=(2 * len(each), len(each))))[0]
        seen = latent[:, each] * scales @ turn.T
        found[f"m{place}"] = components(seen + noise * generator.normal(size=seen.shape), len(each))
    return found


def independent(models: int, count: int, samples: int, seed: int = 0) -> dict[str, Components]:
    """Models without anything in common."""
    generator = np.random.default_rng(seed)
    scales = np.linspace(3, 1, count)
    return {f"m{k}": components(generator.normal(size=(samples, count)) * scales, count) for k in range(models)}


def copies(models: int, count: int = 6, samples: int = 800, seed: int = 0) -> dict[str, Components]:
    """One model many times, each turned around at random."""
    generator = np.random.default_rng(seed)
    (one,) = planted([range(count)], samples, seed).values()
    return {
        f"m{k}": Components(
            one.scores * generator.choice([-1, 1], count).astype(np.float32),
            one.shares,
            one.gaps,
            one.directions,
            one.centre,
        )
        for k in range(models)
    }
