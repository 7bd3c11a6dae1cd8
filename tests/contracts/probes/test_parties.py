"""Who the models are: peers, banks of samples, wrapped students, and learners without gradients."""

from __future__ import annotations

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from torch import nn

from tests.contracts.probes.world import blobs, net, play, run, same, setting, start, weights
from workbench.methods.catalog import make
from workbench.methods.method import Method
from workbench.records import events
from workbench.records.budget import Budget


class Mutual(Method):
    """Two students; with ``weight`` 0 each learns from the labels alone."""

    reads_teacher, students = False, 2

    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def forward(self, student, teacher, batch):
        first, second = student
        gap = (first.logits - second.logits.detach()).square().mean(1)
        peer_gap = (second.logits - first.logits.detach()).square().mean(1)
        return {
            "labels": self.label_loss(first, batch),
            "mimic": self.weight * gap,
            "peer_1.labels": self.label_loss(second, batch),
            "peer_1.mimic": self.weight * peer_gap,
        }


def test_two_students_teach_each_other_and_each_answers_to_its_own_terms():
    apart, together, alone = (run(setting(), m) for m in (Mutual(0.0), Mutual(1.0), make("labels_only")))
    assert same(apart.models["student"], alone.models["student"]), "with nothing to share the first is a lone student"
    assert not same(apart.models["student"], apart.models["peer_1"]), "peers start from different weights"
    assert not same(together.models["student"], apart.models["student"])
    assert not same(together.models["peer_1"], apart.models["peer_1"])
    assert together.scores["peer_1"].selected_epoch >= 1
    gaps = [abs(r.predictions["student"] - r.predictions["peer_1"]).mean() for r in (apart, together)]
    assert gaps[1] < gaps[0]


class Bank(Method):
    """Keeps the last answer to every sample, under its id."""

    reads_teacher = False

    def build(self, student_model, teacher_model, example, facts):
        super().build(student_model, teacher_model, example, facts)
        self.register_buffer("said", torch.zeros(facts.samples, facts.classes))
        self.register_buffer("met", torch.zeros(facts.samples, dtype=torch.int64))

    def forward(self, student, teacher, batch):
        self.now = student.logits.detach()
        return {"labels": self.label_loss(student, batch)}

    def after_step(self, student, batch):
        rows = batch.ids - 1000
        self.said[rows] = self.now
        self.met[rows] += 1


def test_a_memory_bank_is_addressed_by_sample_ids():
    bank = start(setting(), Bank())
    for event in play(bank):
        if isinstance(event, events.Epoch):
            assert bank.method.met.tolist() == [event.epoch] * 96, "96 samples in batches of 16: each once per epoch"
    assert bank.method.said.abs().sum(1).min() > 0
    assert {"said", "met"} <= set(bank.method.state_dict())


class Gated(nn.Module):
    """A student with a branch that is only there to be trained."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.branch, self.gate = inner, nn.Linear(4, 3), nn.Parameter(torch.zeros(()))

    def forward(self, inputs):
        return self.inner(inputs) + self.gate * self.branch(inputs)


class Branched(Method):
    def prepare(self, student):
        return Gated(student)

    def deployed(self, student):
        return student.inner

    def forward(self, student, teacher, batch):
        return {"labels": self.label_loss(student, batch)}


def test_a_gated_branch_is_trained_but_neither_scored_nor_counted_nor_saved():
    branched = start(setting(), Branched())
    *_, finished = play(branched)
    result, trained = finished.run, branched.trial.parties["student"]
    assert trained.gate.item() != 0
    assert result.models["student"].keys() == net(8).state_dict().keys()
    assert result.facts["parameters"]["student"] == 67
    test = setting().test.inputs
    torch.testing.assert_close(torch.from_numpy(result.predictions["student"]), trained.inner(test).detach())
    assert not torch.allclose(trained(test), trained.inner(test))
    plain = start(setting(), make("labels_only"))
    next(e for e in play(plain) if isinstance(e, events.Stage))
    again = start(setting(), Branched())
    next(e for e in play(again) if isinstance(e, events.Stage))
    inner = again.trial.parties["student"].inner
    assert same(weights(inner), weights(plain.trial.parties["student"])), "the branch does not disturb the pairing"


@pytest.fixture
def forest_stage():
    inputs, labels = blobs(96)
    teacher = LogisticRegression(max_iter=500).fit(inputs.numpy(), labels.numpy())
    return setting(teacher=teacher, student=DecisionTreeClassifier(max_depth=4, max_features=2))


def test_a_scikit_learn_teacher_and_a_tree_student(forest_stage):
    first, again, other = (run(forest_stage, make("kd"), seed=seed) for seed in (0, 0, 1))
    assert first.scores["student"].last > 60
    assert (first.predictions["student"] == again.predictions["student"]).all()
    assert (first.predictions["student"] != other.predictions["student"]).any(), "the seed reaches the estimator"
    assert first.scores["teacher"].last == pytest.approx(
        100 * forest_stage.teacher.score(forest_stage.test.inputs.numpy(), forest_stage.test.labels.numpy())
    )


def test_controls_reach_a_tree(forest_stage):
    taught, permuted = (run(forest_stage, make("kd"), control=c) for c in ("none", "permuted_targets"))
    assert permuted.scores["student"].last < taught.scores["student"].last


def test_a_method_that_is_more_than_targets_refuses_a_tree_by_name(forest_stage):
    with pytest.raises(TypeError, match="fitnets is not a method of pure targets"):
        run(forest_stage, make("fitnets"))


def test_a_net_learns_from_a_scikit_learn_teacher():
    inputs, labels = blobs(96)
    teacher = LogisticRegression(max_iter=500).fit(inputs.numpy(), labels.numpy())
    result = run(setting(teacher=teacher), make("kd"), Budget(epochs=20, batch_size=16))
    assert result.facts["agreement"] > 0.8
