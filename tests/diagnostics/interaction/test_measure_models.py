"""The collector of an interaction tensor, on runs that take a moment."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from tests import examples
from tests.engine.study.conftest import make_setting
from workbench import methods
from workbench.diagnostics.interaction.measure import Construction, interaction_of
from workbench.engine.store import Store
from workbench.engine.study.study import study
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.records.study import Study

SETTING = make_setting(student=partial(MLP, 4, (10, 8), 3), budget=Budget(epochs=2, batch_size=32))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder: Path = tmp_path_factory.mktemp("store")
    return study(SETTING, [methods.KD()], seeds=2, quick=True, teachers=2, store=Store(folder=folder))


def test_a_study_brings_students_by_arm_and_each_teacher_once(found: Study) -> None:
    made = interaction_of(found, SETTING, construction=Construction(least_share=0.0))
    assert made.group_names == ("labels_only", "kd", "teacher")
    assert made.models == (
        *(f"{arm}, seed {seed}" for arm in ("labels_only", "kd") for seed in (0, 1)),
        *("teacher 0", "teacher 1"),
    )
    assert made.group.tolist() == [0, 0, 1, 1, 2, 2]
    assert np.bincount(made.owner).tolist() == [6] * 6  # four fifths of eight
    assert made.n == 200
    assert np.isfinite(made.confidence).all()
    assert set(made.precision) == {"labels_only", "kd"}
    assert np.array_equal(made.labels, found.run("kd").test_labels)


def test_the_components_are_those_of_the_models(found: Study) -> None:
    made = interaction_of({"kd": [found.run("kd", 0), found.run("kd", 1)]}, SETTING)
    student = found.run("kd", 1).revive(SETTING).student
    inputs = SETTING.test.inputs
    with torch.no_grad():
        features = student.layer2(student.layer1(student.flatten(inputs)))
    centred = (features - features.mean(0)).double().numpy()
    values = np.linalg.svd(centred, compute_uv=False)
    rows = made.owner == 1
    assert made.scores[rows].std(axis=1, dtype=float) == pytest.approx(values[: rows.sum()] / np.sqrt(200), rel=1e-3)
    assert made.share[rows] == pytest.approx((values**2 / (values**2).sum())[: rows.sum()], rel=1e-3)
    assert made.models[-1] == "teacher 1"


def test_one_run_compares_its_student_with_its_teacher(found: Study) -> None:
    made = interaction_of(found.run("kd", 0), SETTING)
    assert made.models == ("student, seed 0", "teacher 0")
    with pytest.raises(ValueError, match="two or more models; there are 1"):
        interaction_of(found.run("labels_only", 0), SETTING)


def test_layers_can_be_chosen(found: Study) -> None:
    runs = {"a": [found.run("labels_only", 0)], "b": [found.run("labels_only", 1)]}
    last, penultimate = (interaction_of(runs, SETTING, layers=each) for each in ("last_stage", "penultimate"))
    assert np.array_equal(last.scores, penultimate.scores)  # the last stage of this net feeds its classifier
    first = interaction_of(runs, SETTING, layers={"a": "layer1", "b": "layer1"})
    assert np.bincount(first.owner)[0] > np.bincount(last.owner)[0]
    with pytest.raises(ValueError, match=r"no layer 'layer9'"):
        interaction_of(runs, SETTING, layers={"a": "layer1", "b": "layer9"})
    with pytest.raises(ValueError, match="no layer given for the group 'b'; given: a"):
        interaction_of(runs, SETTING, layers={"a": "layer1"})
    with pytest.raises(TypeError, match="needs one of 'penultimate', 'last_stage' or a dict"):
        interaction_of(runs, SETTING, layers="first")


def test_centring_is_a_choice(found: Study) -> None:
    runs = {"a": [found.run("labels_only", 0), found.run("labels_only", 1)]}
    whole = interaction_of(runs, SETTING, centred=False, construction=Construction(least_share=0.0))
    assert whole.share[0] > interaction_of(runs, SETTING, construction=Construction(least_share=0.0)).share[0]


def test_stopping_keeps_the_models_so_far(found: Study) -> None:
    told: list[str] = []

    def tell(share: float, words: str) -> None:
        told.append(words)
        if len(told) == 3:
            raise StopIteration

    made = interaction_of(found, SETTING, tell=tell)
    assert made.models == ("labels_only, seed 0", "kd, seed 0", "teacher 0")
    assert made.warnings[0] == "stopped after 2 of 4 runs"


def test_runs_that_do_not_go_together_are_said(found: Study) -> None:
    run, other = found.run("kd", 0), found.run("kd", 1)
    with pytest.raises(ValueError, match="their ids differ"):
        interaction_of({"a": [run], "b": [replace(other, test_ids=other.test_ids + 1)]}, SETTING)
    with pytest.raises(ValueError, match="holds two runs of seed 0"):
        interaction_of({"a": [run, run]}, SETTING)
    with pytest.raises(ValueError, match="give your own another name"):
        interaction_of({"teacher": [run]}, SETTING)
    with pytest.raises(ValueError, match="run of regression"):
        interaction_of({"a": [examples.run(setting={"task": "regression"})]})
