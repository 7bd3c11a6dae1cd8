"""The linear-Gaussian world: literal teachers and students, and what each slider must do."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.diagnostics.linear_gaussian.measure import (
    DRAWS,
    GRIDS,
    OUTPUTS,
    PROBES,
    WIDTH,
    Laboratory,
    linear_gaussian,
)
from workbench.diagnostics.linear_gaussian.measure_costs import PARTS
from workbench.records.parameters import parameters


def means(along: str, part: str, **here: object) -> dict[float, float]:
    found = linear_gaussian(Laboratory(**here), along)
    return dict(zip(found.grid.tolist(), getattr(found, part).mean(1).tolist(), strict=True))


def test_the_first_draw_against_a_world_written_out() -> None:
    """Everything again with loops and explicit inverses; the random numbers are drawn in the documented order."""
    generator = np.random.default_rng(5)
    scale = np.array([2 * 0.65**j for j in range(WIDTH)])[:, None]
    truth = generator.normal(size=(OUTPUTS, WIDTH))
    taught, noise = scale * generator.normal(size=(WIDTH, 120)), generator.normal(size=(OUTPUTS, 120))
    probes = scale * generator.normal(size=(WIDTH, PROBES))
    shown = (scale * generator.normal(size=(WIDTH, 400)))[:, :30]
    weights, label_noise = generator.normal(size=(OUTPUTS, WIDTH)), generator.normal(size=(OUTPUTS, 400))[:, :30]

    posterior = np.linalg.inv(taught @ taught.T / 0.3**2 + 2.0 * np.eye(WIDTH))
    mean = (truth @ taught + 0.3 * noise) @ taught.T @ posterior / 0.3**2
    sampled = weights @ np.linalg.cholesky(posterior).T
    labels = mean @ shown + math.sqrt(2.5) * (sampled @ shown + 0.3 * label_noise)
    believed = 2.5 * 0.3**2
    belief = np.linalg.inv(shown @ shown.T / believed + 2.0 * np.eye(WIDTH))
    full = labels @ shown.T @ belief / believed
    kept = np.linalg.svd(full @ shown)[0][:, :2]
    student = kept @ kept.T @ full

    spreads = [v * np.eye(PROBES) + probes.T @ s @ probes for v, s in ((believed, belief), (0.09, posterior))]
    inverse, apart = np.linalg.inv(spreads[1]), (student - mean) @ probes
    variance = np.trace(inverse @ spreads[0]) - PROBES
    variance += np.linalg.slogdet(spreads[1])[1] - np.linalg.slogdet(spreads[0])[1]
    wanted = 0.5 * sum(row @ inverse @ row for row in apart) + OUTPUTS / 2 * variance

    found = linear_gaussian(Laboratory(rank=2, samples=30, noise=0.3, temperature=2.5, ridge=2.0), seed=5)
    assert sum(getattr(found, part)[1, 0] for part in PARTS) == pytest.approx(wanted, rel=1e-8)
    assert found.weight_spectrum == pytest.approx(np.linalg.svd(mean)[1])


def test_the_bottleneck_is_the_tail_of_the_spectrum_and_nothing_else_changes_it() -> None:
    found = linear_gaussian(Laboratory(), "rank")
    for rank in range(1, OUTPUTS + 1):
        assert found.bottleneck[rank - 1] == pytest.approx(sum(s**2 for s in found.spectrum[rank:]) / 2)
    for along in ("samples", "temperature"):
        assert np.ptp(linear_gaussian(Laboratory(), along).bottleneck) == 0
    assert found.bottleneck[-1] == pytest.approx(0)
    assert found.misalignment[-1] == pytest.approx(0, abs=1e-9)


def test_more_samples_lower_the_bias_but_not_to_zero() -> None:
    found = means("samples", "bias")
    assert found[10] > 2 * found[60] > 2 * found[400] > 1


def test_temperature_is_paid_in_bias_above_one_and_in_variance_on_both_sides() -> None:
    bias, variance = means("temperature", "bias"), means("temperature", "variance")
    assert sorted(bias, key=bias.__getitem__) == sorted(bias)
    assert min(variance, key=variance.__getitem__) in (0.75, 1.0, 1.25)
    assert min(variance[0.25], variance[4.0]) > 20 * variance[1.0]


def test_the_plug_in_prediction_has_a_variance_in_closed_form() -> None:
    for temperature, cost in means("temperature", "variance", doubt="plug_in").items():
        wanted = OUTPUTS * PROBES / 2 * (temperature - 1 - math.log(temperature))
        assert cost == pytest.approx(wanted, abs=1e-9)


def test_the_numbers_here_are_those_of_the_place_on_the_slider() -> None:
    found = linear_gaussian(Laboratory(samples=90), "samples")
    assert 90 in found.grid  # not one of the grid's own
    row = found.grid.tolist().index(90)
    for part in PARTS:
        assert found.parts[part].mean == pytest.approx(getattr(found, part)[row].mean())
    assert found.total.mean == pytest.approx(sum(i.mean for i in found.parts.values()))
    assert found.total.n == found.n == DRAWS
    assert found.total.low < found.total.mean < found.total.high


def test_the_same_seed_gives_the_same_world_and_another_seed_another_one() -> None:
    first, again, other = (linear_gaussian(seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.bias, again.bias)
    assert not np.allclose(first.spectrum, other.spectrum)


def test_it_says_that_it_is_a_reconstruction() -> None:
    found = linear_gaussian()
    assert found.provenance["fidelity"] == "proposed"
    assert "not the paper's theorem" in found.provenance["ours"]
    assert "not the paper's theorem" in found.explain()
    assert "rank 3" in found.explain()
    assert [row["quantity"] for row in found.rows()] == [*PARTS, "total"]


def test_sliders_and_grids_stay_within_the_same_ranges() -> None:
    known = parameters(Laboratory)
    for name, places in GRIDS.items():
        assert known[name].range.low <= min(places) < max(places) <= known[name].range.high


def test_bad_input_is_one_clear_error() -> None:
    with pytest.raises(ValueError, match=r"rank = 7 is outside \[1, 6\]"):
        Laboratory(rank=7)
    with pytest.raises(ValueError, match="doubt = 'none' is not one of"):
        Laboratory(doubt="none")
    with pytest.raises(ValueError, match="along = 'depth' is not one of 'rank', "):
        linear_gaussian(along="depth")
