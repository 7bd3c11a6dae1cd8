"""Equal budgets, scores that were not chosen on test, controls that are controls."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.contracts.probes.world import blobs, play, run, same, setting, start, steps
from workbench.engine.evaluate import confusion, score
from workbench.engine.protocols import stage_steps
from workbench.engine.teacher.kinds import Cached, Fixed, ShuffledNonTargets
from workbench.maths.tasks import task
from workbench.methods.catalog import make
from workbench.methods.method import Method
from workbench.records import events
from workbench.records.batch import Batch
from workbench.records.budget import Budget
from workbench.records.plan import StagePlan
from workbench.settings.setting import Recipe


@pytest.mark.parametrize("shares", [(1.0,), (0.125, 0.875), (1 / 3, 1 / 3, 1 / 3), (0.1,) * 10])
@pytest.mark.parametrize("budget", [1, 7, 100, 12_345])
def test_the_stages_of_the_student_use_the_budget_exactly(shares, budget):
    lengths = stage_steps([StagePlan(f"{k}", share) for k, share in enumerate(shares)], budget)
    assert sum(lengths) == budget
    assert all(abs(n - share * budget) <= 1 for n, share in zip(lengths, shares, strict=True))


@pytest.mark.parametrize(
    "method", ["labels_only", "kd", "fitnets", "deep_mutual_learning", "born_again", "teacher_assistant"]
)
def test_every_arm_takes_as_many_student_steps(method):
    found = [e for e in steps(start(setting(), make(method))) if e.party == "student"]
    assert [e.step for e in found] == list(range(1, 19))


class Tripwire:
    """A test set that must not be looked at yet."""

    def __init__(self, real) -> None:
        self.real, self.armed = real, True

    def __getattr__(self, name):
        if self.armed:
            raise AssertionError(f"test data was read ({name}) before scoring")
        return getattr(self.real, name)


@pytest.mark.parametrize("method", ["kd", "fitnets", "deep_mutual_learning", "crd"])
def test_the_test_set_is_not_read_before_the_last_epoch_is_over(method):
    where = setting()
    arm = start(where, make(method))
    wire = Tripwire(where.test)
    arm.setting = where.but(test=wire)
    for event in play(arm):
        if isinstance(event, events.Epoch) and event.step == 18 and arm.trial.done["student"] == 18:
            wire.armed = False
    assert isinstance(event, events.Finished)


def test_the_test_set_is_not_read_while_a_teacher_is_trained():
    where = setting(teacher=Recipe(lambda: nn.Linear(4, 3), Budget(epochs=2)))
    arm = start(where, make("kd"))
    arm.setting = where.but(test=Tripwire(where.test))
    trained = [e for e in _until_scoring(play(arm)) if isinstance(e, events.Step)]
    assert Counter(e.party for e in trained) == {"teacher": 2, "student": 18}


def _until_scoring(going):
    try:
        yield from going
    except AssertionError as error:
        assert "before scoring" in str(error)  # noqa: PT017 - the wire is tripped by scoring itself, after all steps


def test_last_and_selected_scores_are_those_of_their_epochs():
    where = setting()
    arm, states, valid = start(where, make("labels_only"), Budget(8, 16, learning_rate=0.5)), [], []
    for event in play(arm):
        if isinstance(event, events.Epoch):
            states.append({k: v.clone() for k, v in arm.trial.parties["student"].state_dict().items()})
            valid.append(event.scores["student"])
    scores = event.run.scores["student"]
    best = max(epoch for epoch, value in enumerate(valid) if value == max(valid))
    assert scores.selected_epoch == best + 1, "the last of equals"
    assert scores.validation == valid[-1]
    model = where.make_student()
    for state, expected in ((states[-1], scores.last), (states[best], scores.selected)):
        model.load_state_dict(state)
        right = (model(where.test.inputs).argmax(1) == where.test.labels).float().mean().item()
        assert expected == pytest.approx(100 * right)
    assert same(event.run.models["student"], states[-1])


def test_scores_and_confusions_by_hand():
    outputs = torch.tensor([[2.0, 1.0], [0.0, 1.0], [3.0, 0.0], [0.0, 1.0]])
    labels = torch.tensor([0, 0, -1, 1])
    assert score(task("classification"), outputs, labels) == pytest.approx(200 / 3)
    assert confusion(outputs, labels, 2).tolist() == [[1, 1], [0, 1]]


class Asked(Method):
    """Remembers what the teacher said about which sample."""

    def __init__(self, cached=True):
        super().__init__()
        self.cached = cached

    def build(self, student_model, teacher_model, example, facts):
        super().build(student_model, teacher_model, example, facts)
        self.said = {}
        self.teacher_layers = () if self.cached else ("classifier",)

    def forward(self, student, teacher, batch):
        for sample, row in zip(batch.ids.tolist(), teacher.logits, strict=True):
            self.said.setdefault(sample, []).append(row.clone())
        return {"gap": (student.logits - teacher.logits).square().mean(1)}


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.classifier = nn.Linear(4, 3)

    def forward(self, inputs):
        return self.classifier(inputs)


@pytest.fixture(scope="module")
def named():
    torch.manual_seed(3)
    return Named()


@pytest.mark.parametrize("control", ["none", "permuted_targets", "permuted_non_targets"])
def test_controls_are_fixed_over_epochs_and_the_same_with_and_without_the_cache(named, control):
    said = {}
    for cached in (True, False):
        arm = start(setting(teacher=named), Asked(cached=cached))
        object.__setattr__(arm.conditions, "control", control)
        list(play(arm))
        assert all(len(rows) == 3 and all(torch.equal(r, rows[0]) for r in rows) for rows in arm.method.said.values())
        said[cached] = {sample: rows[0] for sample, rows in arm.method.said.items()}
    assert said[True].keys() == said[False].keys()
    for sample, row in said[True].items():
        torch.testing.assert_close(row, said[False][sample])


def _said(named, control):
    where = setting(teacher=named)
    arm = start(where, Asked())
    object.__setattr__(arm.conditions, "control", control)
    list(play(arm))
    found = torch.stack([arm.method.said[int(i)][0] for i in where.train.ids])
    return found, named(where.train.inputs).detach(), where.train.labels


def test_permuted_targets_gives_every_sample_the_answer_to_another(named):
    found, own, _ = _said(named, "permuted_targets")
    partners = [[j for j in range(96) if torch.allclose(found[i], own[j], atol=1e-6)] for i in range(96)]
    assert all(len(p) == 1 for p in partners)
    assert sorted(p[0] for p in partners) == list(range(96)), "each answer is used once: the marginals are kept"
    assert all(p[0] != i for i, p in enumerate(partners)), "nobody keeps its own"


def test_permuted_non_targets_keeps_the_target_and_the_values_of_each_row(named):
    found, own, labels = _said(named, "permuted_non_targets")
    changed = 0
    for given, before, label in zip(found, own, labels.tolist(), strict=True):
        assert given[label].item() == pytest.approx(before[label].item(), abs=1e-6)
        rest = [k for k in range(3) if k != label]
        assert sorted(given[rest].tolist()) == pytest.approx(sorted(before[rest].tolist()), abs=1e-6)
        changed += not torch.allclose(given, before, atol=1e-6)
    assert 20 < changed < 76, "of two other classes about half the rows change"


def test_without_a_label_the_largest_output_counts_as_the_target():
    outputs = torch.randn(50, 4)
    guide = ShuffledNonTargets(
        Cached(outputs, torch.arange(50), None), torch.arange(50), 4, torch.Generator().manual_seed(0)
    )
    said = guide(Batch(torch.arange(50), torch.zeros(50, 1))).outputs
    assert torch.equal(said.argmax(1), outputs.argmax(1))
    assert torch.equal(said.amax(1), outputs.amax(1))
    assert torch.equal(said.sort(1).values, outputs.sort(1).values)
    assert not torch.equal(said, outputs)


def test_controls_hold_in_every_stage_and_for_following_teachers():
    class Late(Asked):
        teacher_source = "snapshot"

        def stages(self, facts):
            return StagePlan("one", 0.5), StagePlan("two", 0.5)

    arm = start(setting(), Late())
    object.__setattr__(arm.conditions, "control", "permuted_targets")
    orders = {}
    for event in play(arm):
        if isinstance(event, events.Stage):
            orders[event.stage] = arm.trial
    assert set(orders) == {"one", "two"}
    taught, permuted = (run(setting(), Late(), control=c) for c in ("none", "permuted_non_targets"))
    assert not same(taught.models["student"], permuted.models["student"])


def test_a_control_without_a_meaning_is_refused():
    inputs, _ = blobs(96)
    parts = {n: (inputs + k, (inputs + k).sum(1, keepdim=True)) for k, n in enumerate(("train", "test", "validation"))}

    class Values(Method):
        tasks = ("regression",)

        def forward(self, student, teacher, batch):
            return {"gap": (student.outputs - teacher.outputs).square().mean(1)}

    where = setting(**parts, teacher=nn.Linear(4, 1), student=lambda: nn.Linear(4, 1), task="regression")
    with pytest.raises(ValueError, match="needs one target class per sample"):
        run(where, Values(), control="permuted_non_targets")


def test_a_teacher_never_receives_gradients_and_stays_in_evaluation():
    model = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5))
    guide = Fixed([model], (), gradient=True)
    inputs = torch.ones(2, 4, requires_grad=True)
    guide(Batch(torch.arange(2), inputs)).outputs.sum().backward()
    assert inputs.grad is not None
    assert all(p.grad is None for p in model.parameters())
    model[1].train()
    with pytest.raises(RuntimeError, match=r"module '1' \(Dropout\) out of eval"):
        guide(Batch(torch.arange(2), inputs))


def test_checkpoints_and_teachers_stay_in_the_folder_that_is_named(tmp_path: Path, home: Path):
    run(setting(), make("kd"), folder=tmp_path / "elsewhere", checkpoint=True)
    assert list((tmp_path / "elsewhere" / "teachers").iterdir())
    assert not home.exists()
