"""Two dimensions of a model's outputs, against what is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.diagnostics.projection.measure import projection


def test_a_plane_in_many_dimensions_is_found_whole() -> None:
    flat = np.random.default_rng(0).normal(size=(50, 2)) * [5.0, 2.0]
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(7, 7)))
    found = projection(flat @ rotation[:2] + 3.0)
    assert found.share == pytest.approx(1.0)
    wanted = np.linalg.norm(flat[:, None] - flat[None], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(found.points[:, None] - found.points[None], axis=-1), wanted, atol=1e-9)


def test_the_share_is_that_of_the_two_largest_variances() -> None:
    axes = np.diag([4.0, 3.0, 2.0, 1.0])
    found = projection(np.vstack([axes, -axes]))
    assert found.share == pytest.approx((16 + 9) / (16 + 9 + 4 + 1))
    np.testing.assert_allclose(sorted(found.points[:, 0])[::7], [-4.0, 4.0], atol=1e-12)
    np.testing.assert_allclose(sorted(found.points[:, 1])[::7], [-3.0, 3.0], atol=1e-12)


@pytest.mark.parametrize("outputs", [np.ones((1, 3)), np.zeros((4, 1)), np.arange(5.0)[:, None]])
def test_little_to_project_is_still_a_plane(outputs: np.ndarray) -> None:
    found = projection(outputs)
    assert found.points.shape == (len(outputs), 2)
    np.testing.assert_allclose(np.ptp(found.points, axis=0), [np.ptp(outputs[:, 0]), 0.0], atol=1e-12)
    assert found.share == pytest.approx(1.0)


@pytest.mark.parametrize("outputs", [np.zeros(3), np.zeros((0, 3)), np.full((2, 2), np.nan)])
def test_what_cannot_be_projected_is_refused(outputs: np.ndarray) -> None:
    with pytest.raises(ValueError, match="outputs"):
        projection(outputs)
