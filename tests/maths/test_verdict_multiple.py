"""Holm's correction against an example by hand and the definition as a step-down procedure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.maths.verdict import holm, holm_errors

p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def test_by_hand():
    # sorted 0.01 0.02 0.03 0.04, times 4 3 2 1: 0.04 0.06 0.06 0.04, never falling: 0.04 0.06 0.06 0.06
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_never_above_one_and_one_test_stays_as_it_is():
    assert holm([0.6, 0.7]).tolist() == [1.0, 1.0]
    assert holm([0.031]).tolist() == [0.031]


def test_what_was_not_tested_does_not_count():
    np.testing.assert_allclose(holm([0.01, np.nan, 0.04]), [0.02, np.nan, 0.04])
    assert np.isnan(holm([np.nan])).all()
    assert len(holm([])) == 0


@given(p_lists, st.sampled_from([0.01, 0.05, 0.1, 0.3]))
def test_rejects_what_the_step_down_procedure_rejects(p_values, alpha):
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    rejected = set()
    for step, i in enumerate(order):
        if p_values[i] * (len(p_values) - step) > alpha:
            break
        rejected.add(i)
    assert {i for i, p in enumerate(holm(p_values)) if p <= alpha} == rejected


@given(p_lists, st.sampled_from([0.01, 0.05, 0.1, 0.3]))
def test_the_error_of_each_test_decides_as_all_of_them_do_together(p_values, error):
    p_values, errors = np.array(p_values), holm_errors(p_values, error)
    assert ((p_values < errors) == (holm(p_values) < error)).all()
    assert (errors >= error / len(p_values)).all()
    assert (errors <= error).all()


def test_errors_by_hand():
    # 0.001 < 0.05 / 3; 0.02 is not, but is below 0.05 / 2, the second step; 0.2 is rejected by none
    assert holm_errors([0.2, 0.02, 0.001]) == pytest.approx([0.05 / 3, 0.025, 0.05 / 3])
    assert holm_errors([0.02, 0.03]) == pytest.approx([0.025, 0.05])
    assert holm_errors([0.04, np.nan]) == pytest.approx([0.05, 0.05])
    assert len(holm_errors([])) == 0


@given(p_lists)
def test_between_uncorrected_and_bonferroni(p_values):
    adjusted = holm(p_values)
    assert (adjusted >= p_values).all()
    assert (adjusted <= np.minimum(1, np.array(p_values) * len(p_values))).all()


@pytest.mark.parametrize("bad", [-0.1, 1.5])
def test_refuses_what_is_no_probability(bad):
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        holm([0.5, bad])
