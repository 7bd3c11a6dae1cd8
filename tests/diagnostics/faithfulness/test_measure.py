"""Faithfulness of maps that are right, random or blind to the weights by construction."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.diagnostics.attribution import attribution_scene as scene
from tests.diagnostics.attribution.test_measure_attributors import case_of, smooth
from workbench.diagnostics.attribution.measure_attributors import attribute
from workbench.diagnostics.attribution.measure_maps import PORTION
from workbench.diagnostics.attribution.measure_plan import Plan
from workbench.diagnostics.attribution.measure_scores import Case, Scored
from workbench.diagnostics.faithfulness.measure import faithfulness, faithfulness_of
from workbench.diagnostics.faithfulness.measure_numbers import (
    SHARES,
    curves,
    dependence,
    infidelity,
    sensitivity,
    spread,
)

PLAN = Plan(score="dark_logit", baseline="mean")


@pytest.fixture
def linear() -> tuple[Scored, Case, Tensor]:
    """A linear model, its samples, and their exact maps; five columns, so that every share replaces half a column more."""
    model = nn.Linear(5, 5).double()
    wide = case_of((4, 5))
    scored = Scored(model, "dark_logit")
    return scored, wide, attribute(scored, wide, PLAN).maps


def summary(**changes: np.ndarray):
    n = 3
    given = {
        "curves": np.ones((4, len(SHARES), n)) * np.linspace(1, 0, len(SHARES))[:, None],
        "shares": SHARES,
        "infidelity": np.tile([0.5, 2.0], (n, 1)),
        "sensitivity": np.full(n, 0.2),
        "dependence": {"top": np.full(n, 0.3), "bottom": np.full(n, 0.1)},
        "ids": np.arange(n),
    }
    return faithfulness(**given | changes, plan=PLAN)


def test_no_order_deletes_a_linear_score_faster_than_its_own_map(linear: tuple[Scored, Case, Tensor]) -> None:
    scored, case, maps = linear
    found = curves(scored, case, maps, PLAN)
    assert np.allclose(found[0, 0], found[1, -1])  # nothing deleted is everything inserted
    assert np.allclose(found[0, -1], found[1, 0])
    counts = [round(share * 5) for share in SHARES]
    for row in range(4):
        every = []
        for order in permutations(range(5)):
            scores = []
            for count in counts:
                mixed = case.inputs[row].clone()
                mixed[list(order[:count])] = case.starts[0, row, list(order[:count])]
                scores.append(scored(mixed[None], *case.asked.rows(slice(row, row + 1))).item())
            every.append(np.trapezoid(scores, SHARES))
        assert np.trapezoid(found[0, :, row], SHARES) == pytest.approx(min(every), abs=1e-5)


def test_an_exact_map_is_faithful_and_a_map_of_zeros_is_not(linear: tuple[Scored, Case, Tensor]) -> None:
    scored, case, maps = linear
    error, change = infidelity(scored, case, maps, PLAN).T
    assert (error < 1e-15).all()
    assert (change > 1e-4).all()
    zeros, same = infidelity(scored, case, torch.zeros_like(maps), PLAN).T
    assert np.allclose(zeros, same)
    assert np.allclose(same, change)
    local = Plan(score="dark_logit", attributor="saliency")
    assert (infidelity(scored, case, attribute(scored, case, local).maps, local)[:, 0] < 1e-15).all()


def test_a_gradient_that_is_the_same_everywhere_is_not_sensitive(linear: tuple[Scored, Case, Tensor]) -> None:
    scored, case, maps = linear
    assert (sensitivity(scored, case, Plan(score="dark_logit", attributor="saliency")) < 1e-9).all()
    found = sensitivity(scored, case, PLAN)  # the map of an input nudged by d differs by d w, of at most radius |w|
    radius = 0.02 * float(case.inputs.max() - case.inputs.min())
    slopes = (maps / (case.inputs - case.starts[0])).norm(dim=1)
    most = (radius * slopes / maps.norm(dim=1)).numpy()
    assert (found > 0.2 * most).all()
    assert (found <= most + 1e-9).all()


def test_maps_depend_on_weights_unless_shuffling_changes_nothing() -> None:
    case, model = case_of((8, 6)), smooth()
    scored = Scored(model, "dark_logit")
    before = [parameter.clone() for parameter in model.parameters()]
    found = dependence(scored, case, attribute(scored, case, PLAN).maps, PLAN)
    assert list(found) == ["2", "0"]  # from the top
    assert found["0"].mean() < 0.9
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    for parameter in model.parameters():
        parameter.data.fill_(0.3)
    constant = dependence(scored, case, attribute(scored, case, PLAN).maps, PLAN)
    assert all(np.allclose(values, 1) for values in constant.values())


def test_a_place_is_replaced_in_all_channels() -> None:
    case = case_of((2, 3, 4, 4), form="image")
    chosen = torch.zeros(2, 16, dtype=torch.bool)
    chosen[0, 5] = True
    found = spread(chosen, case)
    assert found.shape == case.inputs.shape
    assert found.nonzero().tolist() == [[0, channel, 1, 1] for channel in range(3)]


def test_areas_and_gains_have_a_closed_form() -> None:
    falling, rising = np.linspace(1, 0, 11), np.linspace(0, 1, 11)
    drawn = np.stack([falling**2, 1 - falling**2, falling, rising])[:, :, None] * np.array([2.0, 6.0])
    found = summary(
        curves=drawn,
        ids=np.arange(2),
        infidelity=np.tile([0.5, 2.0], (2, 1)),
        sensitivity=np.ones(2),
        dependence={"top": np.ones(2)},
    )
    square = np.trapezoid(falling**2, SHARES)
    assert np.allclose(found.mean_curves[0], falling**2)  # as a share of the mean way, 4
    assert found.deletion_gain.mean == pytest.approx(0.5 - square)
    assert found.insertion_gain.mean == pytest.approx((1 - square) - 0.5)
    assert found.infidelity.mean == pytest.approx(0.25)
    assert (found.low_curves <= found.mean_curves + 1e-12).all()
    assert any("still look alike" in warning for warning in found.warnings)


def test_warnings_say_what_went_wrong() -> None:
    assert any("no better than chance" in warning for warning in summary().warnings)
    flat = summary(curves=np.ones((4, len(SHARES), 3)))
    assert np.isnan(flat.deletion_gain.mean)
    assert any("cannot be compared" in warning for warning in flat.warnings)
    rising = np.ones((4, len(SHARES), 3)) * np.linspace(0, 1, len(SHARES))[:, None]
    assert any("lower at the inputs" in warning for warning in summary(curves=rising).warnings)
    still = summary(infidelity=np.zeros((3, 2)), dependence={})
    assert np.isnan(still.infidelity.mean)
    assert "shuffled" not in still.explain()
    with pytest.raises(ValueError, match=r"curves \(3, 11, 3\) must be \(4, 11, N\)"):
        summary(curves=np.ones((3, 11, 3)))


@pytest.mark.slow
def test_a_run_is_tested_and_stopping_keeps_what_is_done() -> None:
    def stop(share: float, words: str) -> None:
        raise StopIteration

    given = {"samples": 24, "steps": 4, "score": "dark_logit"}
    found = faithfulness_of(scene.run(), scene.setting(), tell=stop, **given)
    assert found.n == PORTION
    assert found.curves.shape == (4, 11, PORTION)
    assert found.layers[0] == "classifier"
    assert found.layers[-1].startswith("layer1")
    assert "dark_logit" in found.explain()
