"""Features of the interaction tensor in a model: directions found again, closed forms, and what adds up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from tests.diagnostics.attribution import attribution_scene as scene
from tests.diagnostics.feature_maps.examples import made
from workbench.diagnostics.attribution.measure_scores import Scored, asked
from workbench.diagnostics.attribution.measure_source import Source
from workbench.diagnostics.feature_maps.measure import REST, feature_maps_of
from workbench.diagnostics.feature_maps.measure_directions import Directions
from workbench.diagnostics.interaction.measure import Interaction, interaction_of
from workbench.diagnostics.interaction.measure_components import chunks_of, components
from workbench.records.selection import Selection


@pytest.fixture(scope="module")
def tensor() -> Interaction:
    runs = {"kd": [scene.run()], "labels": [scene.run("labels_only")]}
    return interaction_of(runs, scene.setting())


def a_feature(tensor: Interaction, model: str) -> int:
    return int(tensor.feature[(tensor.owner == tensor.models.index(model)) & (tensor.feature >= 0)][0])


@pytest.mark.parametrize("model", ["kd, seed 0", "teacher 0"])
def test_the_directions_are_the_principal_ones(tensor: Interaction, model: str) -> None:
    source = Source.of(scene.run(), scene.setting())
    found = Directions.of(tensor, model, source, None)
    net = source.models["teacher" if model == "teacher 0" else "student"]
    expected = components(chunks_of(net, scene.setting().test, "classifier:input"), len(found.rows))
    for k, row in enumerate(found.rows.numpy()):
        assert abs(row @ expected.directions[:, k]) == pytest.approx(1, abs=1e-4)
    assert np.allclose(found.centre, expected.centre, atol=1e-5)


def test_what_the_features_carry_adds_up_to_what_the_score_gains(tensor: Interaction) -> None:
    feature, ids = a_feature(tensor, "kd, seed 0"), Selection(scene.run().test_ids[:12])
    found = feature_maps_of(tensor, scene.run(), "kd, seed 0", feature, scene.setting(), samples=ids, steps=128)
    inputs, labels = scene.setting().test.inputs[:12], scene.setting().test.labels[:12]
    revived = scene.run().revive(scene.setting())
    with torch.no_grad():
        known = asked(revived.teacher(inputs), labels)
        scored = Scored(revived.student, "dark_logit", 4.0)
        weights = np.exp(-(np.arange(-4, 5) ** 2) / (2 * (8 / 6) ** 2))  # a Gaussian, with a reflected edge
        blurry = inputs.numpy()
        for axis in (2, 3):
            padded = np.pad(blurry, [(4, 4) if a == axis else (0, 0) for a in range(4)], mode="reflect")
            parts = [w * np.take(padded, range(s, s + 8), axis) for s, w in enumerate(weights)]
            blurry = sum(parts) / weights.sum()
        gained = scored(inputs, *known) - scored(torch.tensor(blurry, dtype=torch.float32), *known)
    assert np.allclose(found.carried.sum(1), gained, atol=1e-4)
    assert found.gained.mean == pytest.approx(float(gained.mean()), abs=1e-4)
    assert sum(each.mean for each in found.relevance.values()) == pytest.approx(found.gained.mean)
    assert found.maps.shape == (12, 8, 8)
    place = tensor.models.index("kd, seed 0")
    mine = np.flatnonzero((tensor.owner == place) & (tensor.feature == feature))
    turned = (tensor.sign[mine, None] * tensor.scores[mine, :12]).sum(0) / len(mine) ** 0.5
    assert np.allclose(found.along, turned, atol=0.02 * turned.std())
    assert found.name in found.explain()


def test_a_linear_model_has_a_closed_form(tensor: Interaction) -> None:
    source = Source.of(scene.run(), scene.setting())
    known = Directions.of(tensor, "kd, seed 0", source, None)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.Linear(6, 4))
    basis = torch.eye(6)[:3]
    kinds = np.array([5, -1, 5])
    planted = replace(
        known, net=linear, layer="1", rows=basis, centre=torch.ones(6), features=kinds, signs=np.array([1.0, 1.0, -1.0])
    )
    plan = source.plan({"score": "dark_logit", "baseline": "mean"})
    data = source.samples(8)
    found = planted.measured(source, data, plan, 5)
    moved = data.inputs - source.pool.mean(0)
    u = (basis[0] - basis[2]) / 2**0.5
    with torch.no_grad():
        assert np.allclose(found["maps"], (moved[:, 0] * (u @ linear[1].weight).view(8, 8)).numpy(), atol=1e-5)
        features = linear[1](data.inputs.flatten(1))
        assert np.allclose(found["along"], ((features - 1) @ u).numpy(), atol=1e-5)
        teacher = source.models["teacher"](data.inputs)
        q = (teacher / plan.temperature).exp()
        q[torch.arange(8), data.labels] = 0
        slope = (q / q.sum(1, keepdim=True)) @ linear[2].weight
        change = features - linear[1](source.pool.mean(0).flatten())
        assert np.allclose(found["carried"][:, :3], (slope * change)[:, :3].numpy(), atol=1e-5)
        assert np.allclose(found["carried"][:, 3], (slope * change)[:, 3:].sum(1).numpy(), atol=1e-5)


def test_components_of_one_feature_are_added_and_those_left_out_are_the_rest() -> None:
    found = made()
    assert list(found.relevance) == ["feature 0", "feature 2", REST]
    assert found.relevance["feature 2"].mean == pytest.approx((found.carried[:, 0] + found.carried[:, 3]).mean())
    assert found.relevance[REST].mean == pytest.approx((found.carried[:, 2] + found.carried[:, 4]).mean())


def test_series_and_several_baselines_are_explained_too() -> None:
    runs = {"kd": [scene.run("kd", "series")]}
    tensor = interaction_of(runs, scene.setting("series"))
    feature = a_feature(tensor, "kd, seed 0")
    found = feature_maps_of(
        tensor, runs["kd"][0], "kd, seed 0", feature, scene.setting("series"), samples=5, baseline="sampled"
    )
    assert found.maps.shape == (5, 16)
    assert found.plan["draws"] == 8


def test_what_is_not_there_is_one_clear_error(tensor: Interaction) -> None:
    run, setting = scene.run(), scene.setting()
    with pytest.raises(KeyError, match="no model 'dkd'; it has kd, seed 0"):
        feature_maps_of(tensor, run, "dkd", 0, setting)
    with pytest.raises(ValueError, match="does not have feature 99; it has"):
        feature_maps_of(tensor, run, "kd, seed 0", 99, setting, samples=2)
    with pytest.raises(ValueError, match="are not those of 'classifier:input' of this run"):
        feature_maps_of(tensor, run, "labels, seed 0", 0, setting)
    with pytest.raises(ValueError, match="other samples"):
        feature_maps_of(replace(tensor, ids=tensor.ids[::-1]), run, "kd, seed 0", 0, setting)
    independent = replace(tensor, construction=tensor.construction | {"basis": "independent"})
    with pytest.raises(ValueError, match="make one of principal components"):
        feature_maps_of(independent, run, "kd, seed 0", 0, setting)
