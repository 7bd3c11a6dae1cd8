"""A finished run gives its models back: they say what was stored, and what does not fit is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import workbench as wb
from tests import examples
from workbench.engine.distill import collect
from workbench.engine.revival import Revival
from workbench.engine.store import Store
from workbench.methods.catalog import make
from workbench.methods.method import Method
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
        replace(run, setting={**run.setting, "name": "mine"}, reviver=Revival()).revive()
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


class Pull(Method):
    """Pull the student's logits to the teacher's."""

    tasks = ("classification",)

    def __init__(self, strength: float = 0.5) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, student, teacher, batch):
        pulled = (student.outputs - teacher.outputs).square().mean(1)
        return {"labels": self.label_loss(student, batch), "pull": self.strength * pulled}


class KD(Pull):
    """A class of one's own that shares its name with one of the catalogue."""


def test_a_run_of_a_method_and_a_setting_of_ones_own_is_revived_where_it_was_made(setting: Setting) -> None:
    own = wb.Setting(train=setting.train, test=setting.test, teacher=setting.teacher, student=setting.student)
    run = collect(wb.distill(own, Pull(0.7), BUDGET))
    revived = run.revive()
    assert revived.setting is own
    assert revived.method.config() == {"strength": 0.7}


@pytest.mark.parametrize("method", [Pull, KD])
def test_a_stored_run_needs_no_method_unless_its_weights_do_not_fit_without_it(setting: Setting, method: type) -> None:
    run = collect(wb.distill(setting, method(), BUDGET))
    store = Store()
    store.save(run)
    revived = store.load(run.id).revive()
    assert revived.method is None
    assert revived.reads_teacher
    assert torch.equal(revived.student.state_dict()["classifier.weight"], run.models["student"]["classifier.weight"])
    given = store.load(run.id).revive(method=method(0.5))
    assert given.method.config() == run.method["config"]
    with pytest.raises(ValueError, match=r"was made with '.*', not with 'kd'"):
        store.load(run.id).revive(method=make("kd"))
    extended = replace(run, models={"student": {"extra.weight": torch.zeros(1)}}, reviver=store.load(run.id).reviver)
    with pytest.raises(ValueError, match=r"do not fit .*not known here: give it, as in revive\(method="):
        extended.revive()


def test_a_run_tells_what_it_was_in_a_few_short_lines(run: Run) -> None:
    lines = repr(run).splitlines()
    assert len(lines) == 3 + len(run.warnings)
    assert all(len(line) <= 200 for line in lines)
    assert run.id in lines[0]
    assert "temperature=4.0" in lines[1]
    assert f"student {run.scores['student'].last:.4g}" in lines[2]


def test_differences_are_the_samples_that_two_runs_classify_differently(run: Run, setting: Setting) -> None:
    other = collect(wb.distill(setting, make("labels_only"), BUDGET))
    table = run.differences(other)
    mine, theirs = (each.predictions["student"].argmax(1) for each in (run, other))
    assert sorted(table["id"]) == sorted(run.test_ids[mine != theirs].tolist())
    assert (table["answer (this)"] != table["answer (other)"]).all()
    assert ((table["answer (this)"] == table["label"]) == table["correct (this)"]).all()
    least = table[["confidence (this)", "confidence (other)"]].min(axis=1)
    assert least.is_monotonic_decreasing
    assert len(run.differences(run)) == 0
    with pytest.raises(KeyError, match="no predictions of 'peer_1'; it has"):
        run.differences(other, party="peer_1")
    with pytest.raises(ValueError, match="scored on different test samples"):
        run.differences(replace(other, test_ids=other.test_ids + 1))
