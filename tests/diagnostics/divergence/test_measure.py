"""The divergence of small runs and studies."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import softmax

import workbench as wb
from workbench.data.transfer import TransferSet
from workbench.diagnostics.divergence.measure import divergence_of, runs_of
from workbench.diagnostics.divergence.measure_models import collected
from workbench.models.mlp import MLP
from workbench.records.study import Study
from workbench.settings.setting import Recipe, Setting

pytestmark = pytest.mark.slow  # a small study is trained first


def samples(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    labels = torch.arange(count) % 3
    return torch.eye(3)[labels] + 0.6 * torch.randn(count, 3, generator=torch.Generator().manual_seed(seed)), labels


@pytest.fixture(scope="module")
def stage() -> Setting:
    return Setting(
        train=samples(60, 0), test=samples(90, 1), teacher=Recipe(lambda: MLP(3, (6,), 3), wb.Budget(3, 16)),
        student=lambda: MLP(3, (6,), 3), budget=wb.Budget(3, 16), threads=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def study(stage: Setting) -> Study:
    return wb.study(stage, [wb.methods.KD()], seeds=3, quick=True, teachers=2)


def test_a_study_brings_every_seed_and_each_teacher_once(study: Study, stage: Setting) -> None:
    found = divergence_of(study, stage)
    assert (found.students, found.teachers, found.n) == (3, 2, 90)
    assert found.taught_by.tolist() == [0, 1, 0]
    students, teachers = [], {}
    for seed in range(3):
        run = study.run("kd", seed)
        students.append(softmax(run.predictions["student"].astype(float), axis=1))
        teachers[seed % 2] = softmax(run.predictions["teacher"].astype(float), axis=1)
    s, t = np.mean(students, 0), np.mean([*teachers.values()], 0)
    parts = found.parts["pred_seed"]
    assert parts["all_seeds"] == pytest.approx((s * np.log(s / t)).sum(1).mean(), rel=1e-4)
    assert found.floors["pred_seed"] > 0
    assert found.values["pred_seed"].mean == pytest.approx(parts["same_size"] - found.floors["pred_seed"])
    assert "lower bound" not in found.explain()


def test_gaps_are_those_of_the_models(study: Study, stage: Setting) -> None:
    found, run = divergence_of(study, stage), study.run("kd", 1)
    model = run.revive(stage).student
    errors = [(model(part.inputs).argmax(1) != part.labels).float().mean().item() for part in (stage.test, stage.train)]
    assert found.student_gaps[1, 0] == pytest.approx(errors[0] - errors[1], abs=1e-6)
    teacher = run.revive(stage).teacher
    brier = [
        ((teacher(part.inputs).softmax(1) - torch.eye(3)[part.labels]).square().sum(1).mean() / 2).item()
        for part in (stage.test, stage.teacher_train)
    ]
    assert found.teacher_gaps[1, 1] == pytest.approx(brier[0] - brier[1], abs=1e-6)


def test_nets_of_one_architecture_are_compared_in_the_same_order_of_units(study: Study, stage: Setting) -> None:
    found = divergence_of(study, stage, rho=0.5)
    models = [study.run("kd", seed).revive(stage) for seed in range(3)]
    apart = [
        sum(((a - b) ** 2).sum().item() for a, b in zip(s.student.parameters(), t.teacher.parameters(), strict=True))
        for s in models for t in models[:2]
    ]  # fmt: skip
    assert 0 < found.values["param_isotropic"].mean < np.mean(apart) / (2 * 0.5**2)
    assert found.parts["linear_exact"]["probes"] == 40
    assert "linear readouts" in found.sides["linear_exact"]


def test_training_on_gives_a_spread_of_weights(study: Study, stage: Setting) -> None:
    run = study.run("kd", 0)
    found = divergence_of(run, stage, swag=10)
    assert found.parts["param_swag"]["per_parameter"] == pytest.approx(found.values["param_swag"].mean / 45)
    chained = divergence_of(run, stage, sgld=40)
    layers = [value for name, value in chained.parts["param_sgld"].items() if name.startswith("layer ")]
    assert sum(layers) == pytest.approx(chained.values["param_sgld"].mean)
    assert any("independent draws" in warning for warning in chained.warnings)
    assert "sgld=400) does that" in found.refused["param_sgld"]
    assert "swag=20) does that" in divergence_of(run, stage).refused["param_swag"]
    assert "10 of each are needed" in divergence_of(run, stage, swag=9).refused["param_swag"]


def test_a_chain_that_leaves_or_is_stopped_takes_only_its_own_estimate_along(
    study: Study, stage: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(share: float, words: str) -> None:
        if words.startswith("chains"):
            raise StopIteration

    run = study.run("kd", 0)
    stopped = divergence_of(run, stage, sgld=40, tell=stop)
    assert "param_sgld" in stopped.refused
    assert "stopped before the walks" in " ".join(stopped.warnings)
    monkeypatch.setattr("workbench.diagnostics.divergence.measure_langevin.SHARE", 1e6)
    with np.errstate(all="ignore"):
        found = divergence_of(run, stage, sgld=40)
    assert "left for infinity" in found.refused["param_sgld"]
    assert "pred_seed" in found.values


def test_one_run_says_that_its_estimate_has_no_floor(study: Study, stage: Setting) -> None:
    found = divergence_of(study.run("kd", 0), stage)
    assert math.isnan(found.floors["pred_seed"])
    assert any("without a floor" in warning for warning in found.warnings)
    assert "no floor to judge it by" in found.explain()
    assert "10 seeds" in found.refused["func_gauss"]


def test_a_student_that_never_heard_its_teacher_is_named(study: Study, stage: Setting) -> None:
    found = divergence_of(study, stage, arm="labels_only")
    assert any("never heard its teacher" in warning for warning in found.warnings)


def test_nets_of_unequal_spaces_say_what_applies(stage: Setting) -> None:
    other = Setting(
        train=samples(60, 0), test=samples(90, 1), teacher=stage.teacher, student=lambda: MLP(3, (4,), 3),
        budget=wb.Budget(1, 16), threads=1,
    )  # fmt: skip
    narrow = wb.study(other, [wb.methods.KD()], seeds=1, quick=True)
    found = divergence_of(narrow, other)
    assert "between unequal spaces there is no divergence" in found.refused["param_isotropic"]
    assert "param_isotropic" not in found.values


def test_runs_that_are_asked_already_count_when_it_is_stopped(study: Study, stage: Setting) -> None:
    def tell(share: float, words: str) -> None:
        if share > 0.5:
            raise StopIteration

    found = divergence_of(study, stage, tell=tell)
    assert found.students == 2
    assert any("stopped after 2 of 3" in warning for warning in found.warnings)


def test_inputs_that_differ_have_no_common_readout(study: Study, stage: Setting) -> None:
    run = study.run("kd", 0)
    assert collected([run], stage).heads is not None
    test = TransferSet(stage.test.inputs, stage.test.labels, ids=stage.test.ids, teacher_inputs=stage.test.inputs)
    other = stage.but(test=test)
    other.identity = stage.identity
    found = collected([run], other)
    assert found.heads is None
    assert "not the same vectors" in found.reasons["linear_exact"]


def test_what_does_not_apply_is_one_clear_error(study: Study, stage: Setting) -> None:
    run = study.run("kd", 0)
    with pytest.raises(ValueError, match="is about regression"):
        divergence_of(replace(run, setting={**run.setting, "task": "regression"}), stage)
    with pytest.raises(KeyError, match="no arm 'dkd'; there are"):
        divergence_of(study, stage, arm="dkd")
    with pytest.raises(ValueError, match="has no finished run"):
        runs_of(replace(study, arms={"kd": replace(study.arms["kd"], outcomes=())}))
