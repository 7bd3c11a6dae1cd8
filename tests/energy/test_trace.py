"""Joules from samples of the power, against areas that can be seen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.energy.trace import Trace, trapezoid


def test_a_constant_power_is_a_rectangle() -> None:
    assert trapezoid([0.0, 0.7, 2.0], [100.0] * 3, 0.0, 2.0) == pytest.approx(200)


def test_a_ramp_is_a_trapezium() -> None:
    times = np.array([0.0, 0.3, 1.1, 2.0])
    assert trapezoid(times, 100 + 50 * times, 0.0, 2.0) == pytest.approx(300, abs=1e-12)


def test_before_the_first_and_after_the_last_sample_the_power_stays_what_it_was() -> None:
    assert trapezoid([1.0, 2.0], [10.0, 30.0], 0.0, 4.0) == pytest.approx(10 + 20 + 60)
    assert trapezoid([5.0], [7.0], 0.0, 2.0) == pytest.approx(14)


@given(st.lists(st.floats(0, 500), min_size=2, max_size=12), st.floats(0.05, 0.95))
def test_adjoining_spans_add_up_to_the_whole(watts: list[float], cut: float) -> None:
    times = np.arange(len(watts), dtype=float)
    end = times[-1] + 1
    whole = trapezoid(times, watts, -1, end)
    middle = -1 + cut * (end + 1)
    assert trapezoid(times, watts, -1, middle) + trapezoid(times, watts, middle, end) == pytest.approx(whole, abs=1e-6)


def test_against_a_literal_sum_of_a_million_slices() -> None:
    times, watts = [0.0, 1.0, 1.5, 3.0], [50.0, 250.0, 100.0, 120.0]
    slices = np.linspace(0.2, 2.9, 1_000_001)
    literal = np.interp((slices[1:] + slices[:-1]) / 2, times, watts).sum() * (slices[1] - slices[0])
    assert trapezoid(times, watts, 0.2, 2.9) == pytest.approx(literal, rel=1e-9)


def test_a_counter_rises_evenly_between_two_readings() -> None:
    trace = Trace()
    for now, joules in ((0.0, 0.0), (10.0, 100.0), (10.0, 999.0), (20.0, 400.0)):
        trace.add(now, joules)
    assert trace.risen([(5.0, 12.0)]) == pytest.approx(50 + 60)
    assert trace.risen([(0.0, 1.0), (19.0, 20.0)]) == pytest.approx(10 + 30)
    assert trace.samples([(0.0, 1.0), (9.0, 20.0)]) == 3


def test_watts_are_counted_up_to_joules() -> None:
    trace = Trace()
    for now, watts in ((1.0, 10.0), (3.0, 30.0), (4.0, 0.0)):
        trace.add(now, watts)
    times, joules = trace.counted()
    assert (times.tolist(), joules.tolist()) == ([1.0, 3.0, 4.0], [0.0, 40.0, 55.0])
    assert [len(each) for each in Trace().counted()] == [0, 0]


def test_without_a_sample_nothing_is_known() -> None:
    assert math.isnan(Trace().risen([(0.0, 1.0)]))
    assert math.isnan(Trace().integral([(0.0, 1.0)]))
    assert Trace().blur_s([(0.0, 1.0)], 0.1) == math.inf


def test_edges_far_from_any_sample_are_blurred() -> None:
    trace = Trace()
    for now in (0.0, 10.0):
        trace.add(now, 1.0)
    assert trace.blur_s([(0.0, 10.0)], 0.0) == 0.0
    assert trace.blur_s([(3.0, 6.0)], 0.0) == pytest.approx(5.0)  # 3 and 4 seconds off, at right angles
    assert trace.blur_s([(0.0, 10.0)], 0.1) == pytest.approx(0.1 * 2**0.5)


def test_a_load_that_swings_in_step_with_the_polling_is_seen_wrongly_unless_the_polling_is_jittered() -> None:
    def error(times: np.ndarray) -> float:
        watts = np.where((times % 0.5) < 0.25, 300.0, 60.0)
        return trapezoid(times, watts, 0.0, 60.0) / (180.0 * 60) - 1

    luck = np.random.default_rng(0)
    beat = [error(np.arange(phase, 60, 0.5)) for phase in luck.uniform(0, 0.5, 40)]
    jittered = [error(np.cumsum(luck.uniform(0.25, 0.75, 130))) for _ in range(40)]
    assert np.std(beat) > 0.6  # DIAGNOSTICS 4C: 0.66 for polling locked to the beat
    assert np.std(jittered) < 0.1
