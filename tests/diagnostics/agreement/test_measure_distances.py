"""Distances per sample against scipy, closed forms and slow literal loops."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr, softmax
from scipy.stats import kendalltau

from workbench.diagnostics.agreement import measure_distances as distances
from workbench.diagnostics.agreement.measure_distances import (
    SOFT,
    forward_kl,
    kendall,
    non_target_match,
    soft_distances,
    top_k_overlap,
)

STUDENT, TEACHER = np.random.default_rng(0).normal(0, 2, (2, 17, 6))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_every_distance_against_scipy(temperature):
    found = dict(zip(SOFT, soft_distances(STUDENT, TEACHER, temperature=temperature).T, strict=True))
    q, p = softmax(STUDENT / temperature, axis=1), softmax(TEACHER / temperature, axis=1)
    assert found["forward_kl"] == pytest.approx(rel_entr(p, q).sum(1))
    assert found["reverse_kl"] == pytest.approx(rel_entr(q, p).sum(1))
    assert found["jeffreys"] == pytest.approx(found["forward_kl"] + found["reverse_kl"])
    assert found["jensen_shannon"] == pytest.approx(jensenshannon(p, q, axis=1) ** 2)
    assert found["total_variation"] == pytest.approx(1 - np.minimum(p, q).sum(1))
    assert found["hellinger"] ** 2 == pytest.approx(1 - np.sqrt(p * q).sum(1))
    assert found["activation_distance"] == pytest.approx(np.linalg.norm(p - q, axis=1))


def test_equal_models_are_at_distance_zero_and_opposite_ones_at_the_bounds():
    np.testing.assert_allclose(soft_distances(TEACHER, TEACHER), 0, atol=1e-15)
    apart = dict(zip(SOFT, soft_distances(np.array([[900.0, 0.0]]), np.array([[0.0, 900.0]]))[0], strict=True))
    assert apart["forward_kl"] == apart["reverse_kl"] == 900
    assert apart["jensen_shannon"] == pytest.approx(math.log(2))
    assert (apart["total_variation"], apart["hellinger"]) == (1, 1)
    assert apart["activation_distance"] == pytest.approx(math.sqrt(2))


def test_a_uniform_student_is_log_c_minus_entropy_away():
    p = softmax(TEACHER, axis=1)
    entropy = -(p * np.log(p)).sum(axis=1)
    assert forward_kl(np.zeros_like(TEACHER), TEACHER) == pytest.approx(math.log(6) - entropy)


def test_at_a_high_temperature_the_divergence_is_that_of_centred_logits():
    centred = [z - z.mean(axis=1, keepdims=True) for z in (STUDENT, TEACHER)]
    limit = np.square(centred[0] - centred[1]).sum(axis=1) / (2 * 6)
    assert 1e6 * forward_kl(STUDENT, TEACHER, 1000.0) == pytest.approx(limit, rel=2e-2)


def test_kendall_against_scipy_ties_included():
    generator = np.random.default_rng(1)
    student, teacher = generator.integers(0, 4, (2, 40, 7)).astype(np.float32)
    wanted = [kendalltau(a, b).statistic for a, b in zip(student, teacher, strict=True)]
    assert kendall(student, teacher) == pytest.approx(wanted, nan_ok=True)
    assert kendall(TEACHER, TEACHER) == pytest.approx(1)
    assert kendall(-TEACHER, TEACHER) == pytest.approx(-1)
    assert np.isnan(kendall(np.zeros((1, 3)), np.array([[1.0, 2.0, 3.0]])))


def test_kendall_counts_pairs():
    student, teacher = [0.3, 0.1, 0.9, 0.5], [1.0, 2.0, 3.0, 0.0]
    signs = [
        math.copysign(1, (student[i] - student[j]) * (teacher[i] - teacher[j])) for i, j in combinations(range(4), 2)
    ]
    assert kendall(np.array([student]), np.array([teacher])) == pytest.approx([sum(signs) / 6])


@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_first_k_in_sets(k):
    wanted = []
    for s, t in zip(STUDENT.tolist(), TEACHER.tolist(), strict=True):
        first = [set(sorted(range(6), key=lambda c, z=z: (-z[c], c))[:k]) for z in (s, t)]
        wanted.append(len(first[0] & first[1]) / k)
    assert top_k_overlap(STUDENT, TEACHER, k).tolist() == wanted


def test_of_equal_logits_the_earlier_class_comes_first():
    assert top_k_overlap(np.zeros((1, 4)), np.array([[3.0, 2.0, 1.0, 0.0]]), 2).tolist() == [1.0]
    assert top_k_overlap(np.zeros((1, 4)), np.array([[0.0, 1.0, 2.0, 3.0]]), 2).tolist() == [0.0]


def test_the_best_class_beside_the_label_in_a_loop():
    labels = np.random.default_rng(2).integers(0, 6, 17)
    wanted = []
    for s, t, y in zip(STUDENT.tolist(), TEACHER.tolist(), labels.tolist(), strict=True):
        others = [c for c in range(6) if c != y]
        wanted.append(max(others, key=s.__getitem__) == max(others, key=t.__getitem__))
    assert non_target_match(STUDENT, TEACHER, labels).tolist() == wanted


def test_blocks_of_rows_change_nothing(monkeypatch):
    labels = np.zeros(17, int)

    def everything():
        return [
            soft_distances(STUDENT, TEACHER),
            kendall(STUDENT, TEACHER),
            top_k_overlap(STUDENT, TEACHER, 3),
            non_target_match(STUDENT, TEACHER, labels),
        ]

    whole = everything()
    monkeypatch.setattr(distances, "ELEMENTS", 25)
    for one, other in zip(whole, everything(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_bad_input():
    with pytest.raises(KeyError, match="no distance 'size'; there are forward_kl"):
        soft_distances(STUDENT, TEACHER, ("size",))
    with pytest.raises(ValueError, match="temperature = 0 must be positive"):
        soft_distances(STUDENT, TEACHER, temperature=0)
