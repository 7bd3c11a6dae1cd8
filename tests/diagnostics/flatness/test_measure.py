"""Flatness of bowls and of a small run, and where it does not apply."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import workbench as wb
from tests.diagnostics.flatness.bowls import bowl, rotated
from workbench.diagnostics.divergence.measure_alignment import distance, weights_of
from workbench.diagnostics.flatness.measure import Flatness, flatness, flatness_of
from workbench.diagnostics.flatness.measure_models import loss_of, models_of, objectives_of, pair_of
from workbench.diagnostics.flatness.measure_numbers import MEASURES, RADII
from workbench.diagnostics.flatness.measure_objective import Loss
from workbench.engine.distill import collect
from workbench.models.mlp import MLP
from workbench.records.run import Run
from workbench.settings.setting import Recipe, Setting


def samples(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    labels = torch.arange(count) % 3
    return torch.eye(3)[labels] + 0.5 * torch.randn(count, 3, generator=torch.Generator().manual_seed(seed)), labels


def setting(hidden: int = 6) -> Setting:
    return Setting(
        train=samples(60, 0),
        test=samples(60, 1),
        teacher=Recipe(lambda: MLP(3, (6,), 3), wb.Budget(epochs=4, batch_size=16)),
        student=lambda: MLP(3, (hidden,), 3),
        budget=wb.Budget(epochs=4, batch_size=16),
        threads=1,
    )


@pytest.fixture(scope="module")
def stage() -> Setting:
    return setting()


@pytest.fixture(scope="module")
def run(stage: Setting) -> Run:
    return collect(wb.distill(stage, wb.methods.KD(temperature=2.0)))


@pytest.fixture(scope="module")
def bowls() -> Flatness:
    torch.manual_seed(0)
    return flatness({"sharp": bowl(rotated([40.0, 5.0, 1.0])), "flat": bowl(rotated([4.0, 0.5, 0.1]))}, radius=0.1)


def test_bowls_have_the_numbers_of_their_matrices(bowls: Flatness) -> None:
    for position, (model, spectrum) in enumerate((("sharp", (40, 5, 1)), ("flat", (4, 0.5, 0.1)))):
        measures, trace = bowls.measures[model], bowls.traces[model]
        assert (measures["top"], measures["bottom"]) == pytest.approx((max(spectrum), min(spectrum)))
        assert measures["ascent"] == pytest.approx(0.5 * 0.01 * max(spectrum), rel=1e-3)
        assert measures["loss"] == measures["slope"] == 0
        assert abs(trace.mean - sum(spectrum)) < trace.high - trace.low
        wanted = [0.5 * radius**2 * sum(spectrum) for radius in RADII]
        assert abs(bowls.rises[position] - wanted) == pytest.approx(0, abs=4 * bowls.errors[position].max())
        area = np.trapezoid(bowls.density[position], bowls.grid[position])
        assert area == pytest.approx(1, abs=0.02)
    assert (bowls.rises[0] > bowls.rises[1]).all()


def test_it_says_what_it_measured(bowls: Flatness) -> None:
    assert bowls.n == 2
    assert "sharp: trace" in bowls.explain()
    rows = {row["quantity"]: row["value"] for row in bowls.rows()}
    assert {f"flat {name}" for name in MEASURES} < set(rows)
    assert math.isnan(rows["rho_zero"])


@pytest.mark.slow
def test_a_run_is_measured_on_its_own_nets(stage: Setting, run: Run) -> None:
    found = flatness_of(run, stage, control=run, samples=40)
    assert found.models == ("teacher", "student", "control")
    student = run.revive(stage).student
    inputs, labels = stage.train.inputs, stage.train.labels
    chosen = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(0))[:40]
    wanted = nn.functional.cross_entropy(student(inputs[chosen]), labels[chosen]).item()
    assert found.measures["student"]["loss"] == pytest.approx(wanted, rel=1e-5)
    assert found.measures["control"] == found.measures["student"]
    assert found.measures["student"]["parameters"] == 6 * 3 + 6 + 3 * 6 + 3
    assert found.n == 40


@pytest.mark.slow
def test_nets_of_one_architecture_have_a_distance_and_a_bound(stage: Setting, run: Run) -> None:
    found = flatness_of(run, stage, samples=40)
    revived = run.revive(stage)
    assert 0 < found.distance <= distance(weights_of(revived.student), weights_of(revived.teacher))
    lowest = found.smoothed.argmin()
    assert found.smoothed[0] > found.distance / RADII[0]
    assert found.smoothed[lowest] >= found.distance / RADII[lowest]
    assert found.bound_star > 0
    assert math.isnan(found.rho_zero) == (found.smoothed.min() > 1)
    assert "not the paper's theorem" in found.explain()


def test_the_smoothed_bound_uses_a_loss_between_zero_and_one(stage: Setting, run: Run) -> None:
    models, _ = models_of(run, stage)
    (objective,) = objectives_of({"student": models["student"]}, stage, Loss("brier"), 54)[0].values()
    probabilities = models["student"](stage.train.inputs).softmax(1)
    wanted = (probabilities - torch.eye(3)[stage.train.labels]).square().sum(1).mean() / 2
    assert objective.value() == pytest.approx(wanted.item(), rel=1e-5)
    with pytest.raises(ValueError, match="no Gauss-Newton matrix"):
        objective.gauss_newton_draw(torch.Generator())


def test_unequal_nets_have_no_distance_and_it_says_why() -> None:
    stage = setting(hidden=4)
    run = collect(wb.distill(stage, wb.methods.KD()))
    models, _ = models_of(run, stage)
    pair, why = pair_of(models, stage)
    assert pair is None
    assert "student (31 parameters) and teacher (45) share no space" in why[0]


def test_the_distillation_loss_has_the_runs_temperature(stage: Setting, run: Run) -> None:
    loss = loss_of(run, "kd")
    assert (loss.kind, loss.temperature, loss.soft_weight) == ("kd", 2.0, 0.9)
    assert loss_of(replace(run, method={"name": "x", "config": {}}), "kd") == Loss("kd")
    models, _ = models_of(run, stage)
    objective = objectives_of(models, stage, loss, 54)[0]["teacher"]
    # The teacher agrees with itself: what is left is the labels' share.
    labels = nn.functional.cross_entropy(models["teacher"](stage.train.inputs), stage.train.labels).item()
    assert objective.value() == pytest.approx(0.1 * labels, rel=1e-5)


def test_what_is_done_is_kept_when_it_is_stopped() -> None:
    def tell(share: float, words: str) -> None:
        if words.startswith("second") and share > 0.6:
            raise StopIteration

    nets = {"first": bowl(rotated([3.0, 1.0])), "second": bowl(rotated([3.0, 1.0]))}
    found = flatness(nets, tell=tell)
    assert found.models == ("first",)
    assert any("stopped after first" in warning for warning in found.warnings)


def test_where_it_does_not_apply_it_says_why(stage: Setting, run: Run) -> None:
    with pytest.raises(ValueError, match="is about tokens"):
        flatness_of(replace(run, setting={**run.setting, "task": "tokens"}), stage)
    with pytest.raises(ValueError, match="none of the models has weights"):
        objectives_of({"student": nn.Identity()}, stage, Loss())
    with pytest.raises(ValueError, match="needs a teacher, and this run has none"):
        objectives_of({"student": MLP(3, (2,), 3)}, stage, Loss("kd"))
    with pytest.raises(ValueError, match="no net is given"):
        flatness({})
    _, notes = objectives_of({"teacher": nn.Identity(), "student": MLP(3, (2,), 3)}, stage, Loss())
    assert "the teacher has no weights to move" in notes[0]


def regression(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    inputs = torch.randn(60, 3, generator=torch.Generator().manual_seed(seed))
    return inputs, inputs @ torch.tensor([[1.0, 0.5], [-2.0, 0.0], [0.5, 1.0]])


def test_a_linear_regression_has_the_curvature_of_its_inputs() -> None:
    """Mean squared error of two outputs: for each of them the Hessian is that of the inputs with a column of ones."""
    stage = Setting(
        train=regression(0), test=regression(1), teacher=nn.Linear(3, 2), student=lambda: nn.Linear(3, 2),
        budget=wb.Budget(1, 16), task="regression", threads=1,
    )  # fmt: skip
    run = collect(wb.distill(stage, wb.methods.LabelsOnly()))
    inputs = torch.cat([stage.train.inputs, torch.ones(len(stage.train), 1)], 1).double()
    moments = torch.linalg.eigvalsh(inputs.T @ inputs / len(inputs))
    found = flatness_of(run, stage)
    measures = found.measures["student"]
    assert (measures["top"], measures["bottom"]) == pytest.approx((float(moments[-1]), float(moments[0])))
    student = run.revive(stage).student
    error = nn.functional.mse_loss(student(stage.train.inputs), stage.train.labels).item()
    assert measures["loss"] == pytest.approx(error, rel=1e-5)
    for trace in (found.traces["student"], found.gauss_newton["student"]):  # a linear net: both are 2 tr(moments)
        assert abs(trace.mean - 2 * float(moments.sum())) < 2 * (trace.high - trace.low)
    with pytest.raises(ValueError, match="is a regression: it has no softened probabilities"):
        flatness_of(run, stage, loss="kd")
    pair, why = pair_of({"teacher": student, "student": student}, stage)
    assert pair is None
    assert "has no largest value" in why[0]
