"""Independent directions: planted sources of equal variance, which principal components mix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.diagnostics.interaction.planted import SETS, SHARED
from workbench.diagnostics.interaction import measure_independent as module
from workbench.diagnostics.interaction.measure import Construction, interaction
from workbench.diagnostics.interaction.measure_components import Components, components
from workbench.diagnostics.interaction.measure_independent import independent

SAMPLES = 3000


def sources(count: int = 12, *, gaussian: bool = False) -> np.ndarray:
    """(N, count) skewed or Gaussian, mean 0, exactly uncorrelated, variance 1."""
    generator = np.random.default_rng(0)
    drawn = generator.normal(size=(SAMPLES, count)) if gaussian else generator.exponential(size=(SAMPLES, count))
    drawn -= drawn.mean(axis=0)
    return drawn @ np.linalg.inv(np.linalg.cholesky(drawn.T @ drawn / SAMPLES)).T


def seen(latent: np.ndarray, sets: Sequence[Sequence[int]] = SETS) -> dict[str, Components]:
    """Every model sees its sources through a rotation, all at the same scale but for a little noise."""
    generator, found = np.random.default_rng(1), {}
    for place, each in enumerate(sets):
        turn = np.linalg.qr(generator.normal(size=(2 * len(each), len(each))))[0]
        noisy = 3 * latent[:, each] @ turn.T
        found[f"m{place}"] = components(noisy + 0.01 * generator.normal(size=noisy.shape), len(each))
    return found


def test_sources_of_equal_variance_are_found_where_components_mix_them() -> None:
    latent = sources()
    (mixed,) = seen(latent, SETS[:1]).values()
    turned = independent(mixed)
    for found, least in ((mixed, False), (turned, True)):
        likeness = np.abs(np.corrcoef(found.scores.T, latent[:, :6].T)[:6, 6:]).max(axis=0)
        assert bool(likeness.min() > 0.98) is least


def test_models_share_the_planted_features_by_independent_directions_only() -> None:
    models = seen(sources())
    groups = {"a": list(models)}
    mixed = interaction(models, groups, construction=Construction(0.9))
    found = interaction(models, groups, construction=Construction(0.9, basis="independent"))
    owned = found.omega.owned(4)
    assert mixed.features > 18
    assert found.features == 12
    assert {pair: int((owned[pair[0]] & owned[pair[1]]).sum()) for pair in SHARED} == SHARED
    assert np.isnan(found.gap).all()


def test_the_space_its_variance_and_its_scale_stay() -> None:
    generator = np.random.default_rng(2)
    latent = sources(5) * [3, 2.5, 2, 1.5, 0.01]
    features = latent @ np.linalg.qr(generator.normal(size=(9, 5)))[0].T + 7
    found = components(features, 5)
    turned = independent(found)
    assert len(turned.shares) == 4  # the last has too little
    assert turned.shares.sum() == pytest.approx(found.shares[:4].sum())
    assert (np.diff(turned.shares) <= 0).all()
    assert turned.scores.std(axis=0) == pytest.approx([3, 2.5, 2, 1.5], rel=0.05)
    assert turned.scores == pytest.approx((features - found.centre) @ turned.directions, abs=1e-3)
    again = np.linalg.lstsq(turned.scores, found.scores[:, :4], rcond=None)[0]
    assert turned.scores @ again == pytest.approx(found.scores[:, :4], abs=1e-3)
    assert np.corrcoef(turned.scores.T) == pytest.approx(np.eye(4), abs=1e-4)


def test_a_search_that_does_not_end_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    models = seen(sources(), SETS[:2])
    construction = Construction(0.9, basis="independent")
    assert interaction(models, {"a": list(models)}, construction=construction).warnings == ()
    monkeypatch.setattr(module, "STEPS", 1)
    found = interaction(models, {"a": list(models)}, construction=construction)
    assert found.warnings[0] == "m0, m1: the search for independent directions did not end in 1 steps"


def test_gaussian_directions_have_no_independent_ones() -> None:
    models = seen(sources(gaussian=True))
    assert interaction(models, {"a": list(models)}, construction=Construction(0.9, basis="independent")).features > 18


def test_bad_input_is_one_clear_error() -> None:
    models = seen(sources(), SETS[:2])
    with pytest.raises(ValueError, match=r"no component has 90\.0% of the variance"):
        independent(models["m0"], least_share=0.9)
    with pytest.raises(ValueError, match="no basis 'other'; there are principal and independent"):
        interaction(models, {"a": list(models)}, construction=Construction(basis="other"))
