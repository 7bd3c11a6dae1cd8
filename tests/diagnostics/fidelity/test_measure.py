"""Fidelity: means against the distances it averages, intervals that cover, and what the ranks say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import rel_entr, softmax

from tests import examples
from workbench.diagnostics.agreement.measure import agreement
from workbench.diagnostics.fidelity import measure as module
from workbench.diagnostics.fidelity.measure import fidelity, fidelity_of

STUDENT, TEACHER, LABELS = examples.outputs(classes=6, samples=80)


def test_means_over_samples_at_every_temperature():
    found = fidelity(STUDENT, TEACHER, LABELS, temperatures=(1, 3))
    for temperature in (1, 3):
        q, p = (softmax(z.astype(float) / temperature, axis=1) for z in (STUDENT, TEACHER))
        assert found.distance("forward_kl", temperature).mean == pytest.approx(rel_entr(p, q).sum(1).mean())
        assert found.distance("total_variation", temperature).mean == pytest.approx(np.abs(p - q).sum(1).mean() / 2)
    assert found.means.shape == (7, 2)
    assert (found.lows < found.means).all()
    assert (found.means < found.highs).all()


def test_it_is_the_divergence_of_the_agreement():
    one, other = (
        fidelity(STUDENT, TEACHER, LABELS).distance("forward_kl"),
        agreement(STUDENT, TEACHER, LABELS).forward_kl,
    )
    assert (one.mean, one.low, one.high) == pytest.approx((other.mean, other.low, other.high))


def test_identical_models():
    found = fidelity(TEACHER, TEACHER, LABELS)
    np.testing.assert_allclose(found.means, 0, atol=1e-15)
    assert (found.kendall.mean, found.top_k.mean, found.non_target.mean) == pytest.approx((1, 1, 1))


def test_halved_logits_keep_the_order_and_have_a_closed_form():
    gap = np.array([0.5, 1.0, -3.0, 2.0])
    teacher = np.c_[gap, np.zeros(4)]

    def of_one(z):
        p, q = 1 / (1 + math.exp(-z)), 1 / (1 + math.exp(-z / 2))
        return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))

    found = fidelity(teacher / 2, teacher, [0, 0, 1, 0])
    assert found.distance("forward_kl").mean == pytest.approx(sum(map(of_one, gap)) / 4)
    assert found.kendall.mean == 1


def test_unrelated_models_are_at_the_levels_of_chance():
    generator = np.random.default_rng(0)
    student, teacher = generator.normal(size=(2, 4000, 8))
    found = fidelity(student, teacher, generator.integers(0, 8, 4000), temperatures=(1,), k=3)
    assert found.kendall.mean == pytest.approx(0, abs=0.02)
    assert found.top_k.mean == pytest.approx(3 / 8, abs=0.02)
    assert found.non_target.mean == pytest.approx(1 / 7, abs=0.02)


def test_many_pairs_are_compared_on_a_share_of_the_samples(monkeypatch):
    monkeypatch.setattr(module, "MOST_PAIRS", 15 * 20)
    found = fidelity(STUDENT, TEACHER, LABELS)
    assert found.kendall.n == 20
    assert "order of the classes was compared on 20 of 80" in found.warnings[-1]


def test_a_student_without_an_order_has_no_rank():
    found = fidelity(np.zeros((40, 3)), np.random.default_rng(0).normal(size=(40, 3)), [0] * 40)
    assert math.isnan(found.kendall.mean)
    assert found.kendall.n == 0


def test_what_was_not_measured_is_named():
    found = fidelity(STUDENT, TEACHER, LABELS)
    with pytest.raises(KeyError, match=r"no 'forward_kl' at temperature 3; measured: .* at 1, 2, 4, 8"):
        found.distance("forward_kl", 3)
    with pytest.raises(KeyError, match="no 'size'"):
        found.distance("size")


def test_rows_hold_every_distance_and_rank():
    names = [row["quantity"] for row in fidelity(STUDENT, TEACHER, LABELS).rows()]
    assert {"kendall", "non_target", "forward_kl at temperature 1", "hellinger at temperature 8"} <= set(names)


def test_a_run_and_another_in_the_teachers_place():
    run = examples.run()
    other = examples.run(predictions={"student": run.predictions["teacher"]})
    assert fidelity_of(run, other).to_frame().equals(fidelity_of(run).to_frame())


@pytest.mark.parametrize("options", [{"temperatures": ()}, {"k": 0}, {"temperatures": (0.0,)}])
def test_bad_input(options):
    with pytest.raises(ValueError, match="temperature"):
        fidelity(STUDENT, TEACHER, LABELS, **options)
