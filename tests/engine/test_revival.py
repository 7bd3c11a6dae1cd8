"""A finished run gives its models back: they say what was stored, and what does not fit is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import workbench as wb
from tests.figures import examples
from workbench.engine.distill import collect
from workbench.engine.store import Store
from workbench.methods.catalog import make
from workbench.records.run import Run
from workbench.settings.setting import Setting

BUDGET = wb.Budget(epochs=2, clip=5.0)


@pytest.fixture(scope="module")
def setting() -> Setting:
    return wb.settings.Digits(student_labels=60)


@pytest.fixture(scope="module")
def run(setting: Setting) -> Run:
    return collect(wb.distill(setting, make("kd"), BUDGET))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kd", "simkd", "deep_mutual_learning", "teacher_assistant", "labels_only"])
def test_the_models_say_what_was_stored(setting: Setting, name: str) -> None:
    run = collect(wb.distill(setting, make(name), BUDGET))
    revived = run.revive(setting)
    inputs = setting.test.batch(torch.arange(len(setting.test))).student_inputs
    assert set(revived.models) == {*run.models, "teacher"}
    for party in run.predictions:
        assert not revived.models[party].training
        with torch.no_grad():
            said = revived.models[party](inputs)
        assert torch.allclose(said, torch.as_tensor(run.predictions[party]), atol=1e-5), party


def test_a_stored_run_of_a_named_setting_needs_nothing_else(run: Run) -> None:
    store = Store()
    store.save(run)
    found = store.load(run.id).revive()
    assert isinstance(found.setting, wb.settings.Digits)
    assert torch.equal(found.student.state_dict()["classifier.weight"], run.models["student"]["classifier.weight"])
    with pytest.raises(ValueError, match="loaded without its models"):
        store.load(run.id, models=False).revive()


def test_other_data_other_nets_and_changed_code_are_refused(run: Run, setting: Setting) -> None:
    with pytest.raises(ValueError, match="other data than this setting"):
        run.revive(wb.settings.Digits(student_labels=80))
    with pytest.raises(ValueError, match="setting of your own, 'mine'"):
        replace(run, setting={**run.setting, "name": "mine"}).revive()
    with pytest.raises(ValueError, match="method that is not in the catalogue"):
        replace(run, method={"name": "my_own", "config": {}}).revive(setting)
    with pytest.raises(ValueError, match="do not fit the net"):
        replace(run, models={"student": {"weight": torch.zeros(1)}}).revive(setting)
    wrong = {name: tensor + 1 for name, tensor in run.models["student"].items()}
    with pytest.raises(ValueError, match="does not say what was stored"):
        replace(run, models={"student": wrong}).revive(setting)
    with pytest.raises(ValueError, match="had another teacher"):
        replace(run, facts={**run.facts, "teacher": "0123456789ab"}).revive(setting)


def test_a_run_made_by_hand_has_no_models() -> None:
    with pytest.raises(ValueError, match="was not made by distill or a store"):
        examples.run().revive()


def test_a_model_that_is_not_there_is_named(run: Run, setting: Setting) -> None:
    revived = run.revive(setting)
    with pytest.raises(KeyError, match="no teacher; its models: student"):
        _ = replace(revived, models={"student": revived.student}).teacher
