"""Nets on a plane: planted ones, bowls, and those of small runs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import workbench as wb
from tests.diagnostics.flatness.bowls import bowl, rotated
from workbench.diagnostics.trajectory.measure import STEPS, trajectory, trajectory_of
from workbench.models.mlp import MLP
from workbench.settings.setting import Recipe, Setting


def test_a_planted_plane_explains_everything_and_keeps_all_distances() -> None:
    generator = np.random.default_rng(0)
    basis = np.linalg.qr(generator.normal(size=(30, 2)))[0].T
    walked = generator.normal(size=(8, 2)).cumsum(0)
    weights = generator.normal(size=30) + walked @ basis
    matrix = rotated([float(k) for k in range(1, 31)])
    found = trajectory(bowl(matrix), weights, [*"abcdefgh"])
    assert found.explained.sum() == pytest.approx(1)
    assert found.off == pytest.approx(0, abs=1e-9)
    for i in range(8):
        assert found.losses[i] == pytest.approx(weights[i] @ matrix.numpy() @ weights[i] / 2)
        for j in range(8):
            assert np.linalg.norm(found.places[i] - found.places[j]) == pytest.approx(
                np.linalg.norm(walked[i] - walked[j])
            )


def test_the_surface_is_the_loss_of_the_plane() -> None:
    """A plane of two of three axes: the bowl there is known, up to the signs of the directions."""
    corners = np.array([[3.0, 0, 1], [-3, 0, 1], [0, 1, 1], [0, -1, 1]])
    found = trajectory(bowl(torch.diag(torch.tensor([2.0, 6.0, 4.0]).double())), corners, [*"abcd"], path=False)
    assert found.explained == pytest.approx([0.9, 0.1])
    across, up = np.meshgrid(found.grid, found.grid)
    assert found.surface == pytest.approx(across**2 + 3 * up**2 + 2)
    assert np.abs(found.places[:2, 0]) == pytest.approx([3, 3])
    assert found.surface.shape == (STEPS, STEPS)
    assert "100%" in found.explain()


def test_what_lies_off_the_plane_is_said() -> None:
    found = trajectory(
        bowl(torch.eye(3).double()),
        [[4.0, 0, 0], [-4, 0, 0], [0, 2, 0], [0, -2, 0], [0, 0, 1], [0, 0, -1]],
        [*"abcdef"],
    )
    assert found.off == pytest.approx([0, 0, 0, 0, 1, 1], abs=1e-9)
    assert found.explained == pytest.approx([32 / 42, 8 / 42])


@pytest.mark.slow
def test_a_run_trains_on_and_a_study_brings_its_seeds() -> None:
    labels = torch.arange(60) % 3
    inputs = torch.eye(3)[labels] + 0.5 * torch.randn(60, 3)
    stage = Setting(
        train=(inputs, labels), test=(inputs + 1, labels), teacher=Recipe(lambda: MLP(3, (8,), 3), wb.Budget(epochs=2)),
        student=lambda: MLP(3, (4,), 3), budget=wb.Budget(epochs=2, batch_size=16), threads=1,
    )  # fmt: skip
    study = wb.study(stage, [wb.methods.KD()], seeds=3, quick=True)
    run = study.run("kd", 0)
    found = trajectory_of(run, stage, epochs=4)
    assert found.points == ("as distilled", "epoch +1", "epoch +2", "epoch +3", "epoch +4")
    data, student = stage.train, run.revive(stage).student
    assert found.losses[0] == pytest.approx(
        nn.functional.cross_entropy(student(data.inputs), data.labels).item(), rel=1e-5
    )
    seeds = trajectory_of(study, stage)
    assert seeds.points == ("seed 0", "seed 1", "seed 2")
    assert not seeds.path
    assert seeds.explained.sum() == pytest.approx(1)  # three points lie on a plane
    for seed in range(3):  # another order of hidden units computes the same
        model = study.run("kd", seed).revive(stage).student
        wanted = nn.functional.cross_entropy(model(data.inputs), data.labels).item()
        assert seeds.losses[seed] == pytest.approx(wanted, rel=1e-5)


def test_bad_input_is_one_clear_error() -> None:
    for weights in (np.zeros((2, 3)), np.zeros((3, 3)), np.ones((3, 4))):
        with pytest.raises(ValueError, match="3 or more that differ, each of 3 weights"):
            trajectory(bowl(torch.eye(3).double()), weights, [*"abc"[: len(weights)]])
