"""Who trained a model decides what it is shown: nets trained on the student's inputs never see the teacher's."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import pytest
from torch import nn

from tests.contracts.mismatches import privileged
from tests.contracts.probes.world import net, run, same, setting
from workbench.methods.catalog import make
from workbench.methods.ensembles.averaged_teachers import AveragedTeachers
from workbench.methods.method import Method
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe

BUDGET = Budget(epochs=4, batch_size=16)
OWN = ("born_again", "snapshot_distillation", "mean_teacher", "deep_mutual_learning", "peer_collaborative_learning")
"""Methods whose nets are all trained on the student's inputs; none of them asks the setting's teacher."""


class Watched(nn.Module):
    """A net that notes the width of what it is shown."""

    seen: ClassVar[dict[str, set]] = {}

    def __init__(self, who, width):
        super().__init__()
        self.who, self.net = who, MLP(width, (8,), 3)

    def forward(self, inputs):
        self.seen.setdefault(self.who, set()).add(inputs.shape[1])
        return self.net(inputs)

    def reset_parameters(self):
        """All parameters are the net's, whose layers renew their own."""


@pytest.mark.parametrize("control", ["none", "permuted_targets"])
@pytest.mark.parametrize("name", OWN)
def test_methods_that_never_ask_the_teacher_do_not_depend_on_its_inputs(name, control):
    parameters = {"generations": 1} if name == "born_again" else {}
    found = [
        run(where, make(name, parameters), BUDGET, control=control).models["student"]
        for where in (setting(), privileged(4, teacher=net()), privileged(7))
    ]
    assert same(found[0], found[1])
    assert same(found[0], found[2])


@pytest.mark.parametrize("name", ["early_stopped_teacher", "route_constrained", "averaged_teachers", "ca_mkd", "aekd"])
def test_nets_trained_in_the_teachers_place_see_the_inputs_of_the_teacher(name):
    Watched.seen = {}
    where = privileged(teacher=Watched("teacher", 7), student=partial(Watched, "student", 4))
    found = run(where, make(name), BUDGET)
    assert Watched.seen == {"teacher": {7}, "student": {4}}
    assert {*found.predictions} >= {"student", "teacher"}
    for outputs in found.predictions.values():
        assert outputs.shape == (60, 3)


@pytest.mark.parametrize("control", ["none", "permuted_targets", "permuted_non_targets"])
@pytest.mark.parametrize("name", ["teacher_assistant", "densely_guided"])
def test_assistants_are_trained_and_asked_on_the_inputs_of_the_student(name, control):
    Watched.seen = {}
    method = make(name)
    factory = partial(Watched, "assistant", 4)
    method = method.assisted_by(factory) if name == "teacher_assistant" else method.assisted_by(factory, factory)
    where = privileged(teacher=Watched("teacher", 7), student=partial(Watched, "student", 4))
    run(where, method, BUDGET, control=control)
    assert Watched.seen == {"teacher": {7}, "assistant": {4}, "student": {4}}


def test_permuted_targets_show_an_assistant_the_students_inputs_of_another_sample():
    shown = []

    class Noting(Watched):
        def forward(self, inputs):
            if not self.training and len(inputs) == 16:
                shown.append(inputs.clone())
            return super().forward(inputs)

    where = privileged(student=partial(Watched, "student", 4))
    method = make("densely_guided", {"assistants": 1, "silent": 0}).assisted_by(partial(Noting, "assistant", 4))
    run(where, method, Budget(epochs=1, batch_size=16), control="permuted_targets")
    rows = {tuple(row.tolist()) for row in where.train.inputs}
    assert shown
    assert {tuple(row.tolist()) for batch in shown for row in batch} <= rows


def test_models_that_joined_as_further_teachers_see_the_teachers_inputs():
    Watched.seen = {}
    where = privileged(teacher=Watched("teacher", 7), student=partial(Watched, "student", 4))
    run(where, AveragedTeachers().joined_by(Watched("friend", 7)), BUDGET)
    assert Watched.seen == {"teacher": {7}, "friend": {7}, "student": {4}}


def test_a_recipe_is_trained_validated_and_scored_on_the_teachers_inputs():
    Watched.seen = {}
    where = privileged(
        teacher=Recipe(partial(Watched, "teacher", 7), Budget(epochs=1)), student=partial(MLP, 4, (8,), 3)
    )
    found = run(where, make("kd"), BUDGET)
    assert Watched.seen == {"teacher": {7}}
    assert "teacher" in found.scores


def test_the_student_in_another_context_sees_the_teachers_inputs_on_purpose():
    class Context(Method):
        teacher_source = "same_weights"

        def forward(self, student, teacher, batch):
            assert batch.teacher_inputs is not None
            return {
                "labels": self.label_loss(student, batch),
                "gap": (student.logits - teacher.logits).square().mean(1),
            }

    assert run(privileged(4, teacher=net()), Context(), BUDGET).scores["student"].last > 0
