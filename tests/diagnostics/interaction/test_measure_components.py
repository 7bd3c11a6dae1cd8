"""Components against scikit-learn, singular values and identities."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import nn

from workbench.data.transfer import TransferSet
from workbench.diagnostics.interaction import measure_components as interaction_components
from workbench.diagnostics.interaction.measure_components import chunks_of, components, count_for


@pytest.fixture
def features() -> np.ndarray:
    generator = np.random.default_rng(0)
    return generator.normal(size=(700, 12)) * np.geomspace(5, 0.1, 12) @ np.linalg.qr(generator.normal(size=(12, 12)))[
        0
    ] + np.arange(12)


def test_they_are_the_principal_components(features: np.ndarray) -> None:
    found, reference = components(features, 5), PCA(5).fit(features)
    scores = reference.transform(features)
    turned = np.sign((scores * found.scores).sum(axis=0))
    assert found.scores == pytest.approx(scores * turned, abs=1e-4)
    assert found.shares == pytest.approx(reference.explained_variance_ratio_)
    assert found.centre == pytest.approx(features.mean(axis=0))
    values = PCA(6).fit(features).explained_variance_
    assert found.gaps == pytest.approx(1 - values[1:] / values[:-1])


def test_uncentred_ones_are_the_singular_vectors(features: np.ndarray) -> None:
    found = components(features, 4, centred=False)
    left, values, right = np.linalg.svd(features, full_matrices=False)
    assert np.abs(found.scores) == pytest.approx(np.abs(left[:, :4] * values[:4]), abs=1e-4)
    assert np.abs((found.directions * right[:4].T).sum(axis=0)) == pytest.approx(1)
    assert found.shares == pytest.approx(values[:4] ** 2 / (values**2).sum())


@pytest.mark.parametrize("centred", [True, False])
def test_a_wide_layer_is_summarised_by_a_running_basis(
    features: np.ndarray, centred: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = components(features, 3, centred=centred)
    monkeypatch.setattr(interaction_components, "EXACT", 4)
    running = components(features, 3, centred=centred)
    assert running.shares == pytest.approx(exact.shares, rel=0.02)
    likeness = [abs(np.corrcoef(a, b)[0, 1]) for a, b in zip(exact.scores.T, running.scores.T, strict=True)]
    assert min(likeness) > 0.99
    assert running.directions.T @ running.directions == pytest.approx(np.eye(3), abs=1e-5)


def test_directions_without_variance_are_dropped() -> None:
    generator = np.random.default_rng(1)
    flat = generator.normal(size=(50, 2)) @ generator.normal(size=(2, 6)) + 7.0
    found = components(flat, 5)
    assert found.scores.shape == (50, 2)
    assert found.shares.sum() == pytest.approx(1)


def test_how_many_there_are() -> None:
    assert count_for([512, 2048]) == 50
    assert count_for([32, 512]) == 25
    assert count_for([1]) == 1


def test_any_shape_is_flattened_and_the_first_can_be_taken(features: np.ndarray) -> None:
    found = components(features.reshape(700, 3, 2, 2), 5)
    assert np.array_equal(found.scores, components(features, 5).scores)
    fewer = found.first(2)
    assert fewer.scores.shape == (700, 2)
    assert fewer.directions.shape == (12, 2)
    assert len(fewer.gaps) == len(fewer.shares) == 2


def test_a_models_layer_is_read_in_pieces_as_often_as_asked() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(9, 6), nn.ReLU(), nn.Linear(6, 3)).eval()
    data = TransferSet(torch.randn(600, 1, 3, 3), torch.zeros(600, dtype=torch.int64))
    chunks = chunks_of(model, data, "3:input")
    with torch.no_grad():
        expected = model[:3](data.inputs).numpy()
    for _ in range(2):
        pieces = list(chunks())
        assert len(pieces) == 3
        assert np.concatenate(pieces) == pytest.approx(expected, abs=1e-6)
    assert components(chunks, 4).scores == pytest.approx(components(expected, 4).scores, abs=1e-4)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros((5, 3)), "the same for all 5 samples"),
        (np.ones((1, 3)), "two or more"),
        (np.array([[0.0], [np.nan]]), "NaN"),
        (np.zeros(4), r"\(N, D\), got \(4,\)"),
    ],
)
def test_bad_input_is_one_clear_error(features: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        components(features, 2)
