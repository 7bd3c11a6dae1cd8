"""Each thing that can be wrong is one clear error, raised before anything is trained where that is possible."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from tests.contracts.probes.world import play, run, setting, start
from workbench.data.transfer import TransferSet
from workbench.engine.conditions import Conditions
from workbench.engine.distill import DistillationFailed, collect, distill
from workbench.methods.catalog import make
from workbench.methods.method import Method
from workbench.models.mlp import MLP
from workbench.records import events
from workbench.records.budget import Budget
from workbench.records.plan import StagePlan
from workbench.settings.setting import Recipe


class Probing(Method):
    """Returns whatever it is told to."""

    def __init__(self, terms):
        super().__init__()
        self.terms = terms

    def config(self):
        return {}

    def forward(self, student, teacher, batch):
        return self.terms(student, batch)


class Exploding(Method):
    def __init__(self, at):
        super().__init__()
        self.at, self.count = at, 0

    def config(self):
        return {}

    def stages(self, facts):
        return StagePlan("calm", 0.5), StagePlan("storm", 0.5)

    def forward(self, student, teacher, batch):
        self.count += 1
        factor = float("nan") if self.count == self.at else 1.0
        return {"labels": self.label_loss(student, batch), "gap": factor * student.logits.square().mean(1)}


def test_a_nan_stops_the_run_and_names_step_stage_and_term():
    found = list(distill(setting(), Exploding(12), conditions=Conditions(checkpoint=False)))
    failed = found[-1]
    assert isinstance(failed, events.Failed)
    assert "loss term 'gap' became nan at step 12 of stage 'storm'" in failed.message
    assert "lower the learning rate" in failed.message
    assert failed.details == {"term": "gap", "value": "nan", "step": 12, "stage": "storm"}
    assert failed.stage == "storm"
    assert sum(isinstance(e, events.Step) for e in found) == 11, "the step that failed is not reported as taken"
    with pytest.raises(DistillationFailed, match="step 12"):
        collect(distill(setting(), Exploding(12), conditions=Conditions(checkpoint=False)))


def test_a_teacher_that_diverges_is_named_too():
    where = setting(teacher=Recipe(partial(MLP, 4, (8,), 3), Budget(epochs=30, learning_rate=1e9, precision="float32")))
    found = list(distill(where, make("kd"), conditions=Conditions(checkpoint=False)))
    assert isinstance(found[-1], events.Failed)
    assert found[-1].details["stage"] == "teacher"


def test_a_method_that_flips_its_teacher_is_stopped_by_name():
    class Flipping(Method):
        def build(self, student_model, teacher_model, example, facts):
            super().build(student_model, teacher_model, example, facts)
            self.student_layers = self.teacher_layers = ()
            self.own = [teacher_model]

        def inputs(self, batch, students):
            next(p for p in self.own[0].modules() if isinstance(p, nn.Dropout)).train()
            return batch

        def forward(self, student, teacher, batch):
            return {"labels": self.label_loss(student, batch)}

    teacher = nn.Sequential(nn.Linear(4, 3), nn.Dropout())
    with pytest.raises(RuntimeError, match=r"switched its teacher's module '1' \(Dropout\) out of eval\(\)"):
        run(setting(teacher=teacher), Flipping())


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (lambda s, b: {"gap": s.logits}, r"term 'gap' has shape \(16, 3\)"),
        (lambda s, b: {"gap": s.logits[:3, 0]}, "term 'gap' has 3 entries for 16 samples"),
        (lambda s, b: {"gap": 0.5}, "term 'gap' has type float"),
        (lambda s, b: {}, "keeps no loss term"),
    ],
)
def test_terms_of_a_wrong_form_are_named(terms, message):
    with pytest.raises(ValueError, match=message):
        run(setting(), Probing(terms))


def test_a_stage_that_keeps_no_term_says_which_there_were():
    class Picky(Exploding):
        def stages(self, facts):
            return (StagePlan("picky", terms=lambda name: name == "hint"),)

    with pytest.raises(ValueError, match="stage 'picky' keeps no loss term; Picky gave: labels, gap"):
        run(setting(), Picky(0))


def test_a_task_that_does_not_fit_lists_what_does():
    parts = {
        name: TransferSet(torch.randn(8, 1, 4, 4), torch.randint(3, (8, 4, 4)), ids=torch.arange(8) + 10 * k)
        for k, name in enumerate(("train", "validation", "test"))
    }
    where = setting(**parts, task="dense", teacher=nn.Conv2d(1, 3, 1), student=partial(nn.Conv2d, 1, 3, 1))
    with pytest.raises(ValueError, match="dkd works on classification; this setting's task is dense, for which there"):
        start(where, make("dkd"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"student": partial(MLP, 4, (8,), 5)}, "the student's outputs are 5 wide, but the labels need 3"),
        ({"teacher": Recipe(partial(MLP, 4, (8,), 2))}, "the teacher's outputs are 2 wide, but the labels need 3"),
        ({"student": partial(MLP, 7, (8,), 3)}, r"the student cannot take inputs of shape \(2, 4\)"),
    ],
)
def test_widths_and_shapes_are_refused_before_anything_is_trained(changes, message):
    seen = []
    with pytest.raises(ValueError, match=message):
        seen.extend(play(start(setting(**changes), make("kd"))))
    assert not any(isinstance(e, events.Step) for e in seen)


def test_a_missing_layer_is_refused_before_the_teacher_is_trained_with_the_layers_there_are():
    where = setting(teacher=Recipe(partial(MLP, 4, (8,), 3), Budget(epochs=2)))
    going, seen = play(start(where, make("fitnets", {"hint": "layer7"}))), []
    with pytest.raises(ValueError, match=r"no layer 'layer7'.*layers, nearest first"):
        seen.extend(going)
    assert not any(isinstance(e, events.Step) for e in seen)


def test_a_student_without_anything_to_train_is_refused():
    frozen = MLP(4, (8,), 3).requires_grad_(requires_grad=False)
    with pytest.raises(ValueError, match="nothing to train"):
        run(setting(student=frozen), make("kd"))


def test_a_run_that_is_cut_short_has_no_result():
    with pytest.raises(DistillationFailed, match="ended without a result"):
        collect(iter([]))
