"""A number that is not finite stops the run by name, with advice that fits its cause; nothing is scored 0 in silence."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.contracts.probes.world import net, run, setting
from tests.contracts.text import text_setting
from workbench.engine.conditions import Conditions
from workbench.engine.distill import DistillationFailed, distill
from workbench.engine.evaluate import score
from workbench.engine.training.finiteness import EVERY, NotFinite
from workbench.maths.tasks import task
from workbench.methods.catalog import make
from workbench.methods.method import Method
from workbench.models.mlp import MLP
from workbench.records import events
from workbench.records.budget import Budget

SHORT = Budget(epochs=2, batch_size=16)


class Own(Method):
    """Labels and one more term, given as a function of (student, batch)."""

    reads_teacher = False

    def __init__(self, term):
        super().__init__()
        self.term = term

    def config(self):
        return {}

    def forward(self, student, teacher, batch):
        return {"labels": self.label_loss(student, batch), "gap": self.term(student, batch)}


def told(where, method, budget=SHORT):
    return list(distill(where, method, budget, conditions=Conditions(checkpoint=False)))


def failure(where, method, budget=SHORT):
    last = told(where, method, budget)[-1]
    assert isinstance(last, events.Failed), last
    return last


# --- weights -----------------------------------------------------------------------------------------------------------
def root_of_zero(student, batch):
    """0 in value, infinite in slope."""
    return (student.logits - student.logits.detach()).abs().sum(1).sqrt()


def hidden(student, batch):
    """The same, and finite whatever the logits are."""
    return root_of_zero(student, batch).nan_to_num(0.0)


@pytest.mark.parametrize("clip", [None, 1.0])
def test_a_finite_loss_with_an_infinite_gradient_stops_the_run_and_names_the_weight(clip):
    failed = failure(setting(), Own(root_of_zero), Budget(epochs=2, batch_size=16, clip=clip))
    assert failed.details["parameter"].startswith("the weight '")
    assert failed.details["step"] == 1
    assert "infinite gradient" in failed.message
    assert "square root" in failed.message


def test_weights_that_no_loss_term_shows_are_looked_at_before_they_are_validated():
    class Late(Own):
        count = 0

        def forward(self, student, teacher, batch):
            self.count += 1
            labels = self.label_loss(student, batch).nan_to_num(0.0)
            gap = hidden(student, batch) if self.count == 4 else 0 * labels
            return {"labels": labels, "gap": gap}

    assert EVERY > 6, "the look at the end of the epoch of 6 steps is what is tested here"
    seen = told(setting(), Late(None))
    assert isinstance(seen[-1], events.Failed)
    assert not any(isinstance(event, events.Epoch) for event in seen)


def test_weights_of_the_methods_own_parts_count_too():
    class Adapted(Own):
        def build(self, student_model, teacher_model, example, facts):
            super().build(student_model, teacher_model, example, facts)
            self.adapter = nn.Linear(3, 3)

        def forward(self, student, teacher, batch):
            made = self.adapter(student.logits.detach())
            return {"labels": self.label_loss(student, batch), "gap": (made - made.detach()).abs().sum(1).sqrt()}

    assert "of the method" in failure(setting(), Adapted(None)).details["parameter"]


def test_a_buffer_that_becomes_nan_is_named():
    class Counting(MLP):
        def __init__(self):
            super().__init__(4, (8,), 3)
            self.register_buffer("average", torch.zeros(3))

        def forward(self, inputs):
            outputs = super().forward(inputs)
            if self.training:
                self.average = self.average * float("nan")
            return outputs

    assert failure(setting(student=Counting), make("labels_only")).details["parameter"] == (
        "the buffer 'average' of the student"
    )


def test_infinite_buffers_are_allowed_since_masks_hold_them():
    class Masked(MLP):
        def __init__(self):
            super().__init__(4, (8,), 3)
            self.register_buffer("mask", torch.tensor([0.0, -math.inf]))

    assert run(setting(student=Masked), make("labels_only"), SHORT).scores["student"].last > 0


# --- the advice fits the cause -----------------------------------------------------------------------------------------
class Ruling(nn.Module):
    """A teacher that rules the last class out with minus infinity."""

    def __init__(self, lowest=-math.inf):
        super().__init__()
        self.net, self.lowest = net(), lowest

    def forward(self, inputs):
        return torch.cat([self.net(inputs)[:, :2], torch.full((len(inputs), 1), self.lowest)], 1)


@pytest.mark.parametrize("name", ["kd", "dkd"])
def test_a_class_that_the_teacher_rules_out_by_minus_infinity_teaches_as_one_of_probability_zero(name):
    expected = run(setting(teacher=Ruling(-1e4)), make(name), SHORT)
    found = run(setting(teacher=Ruling()), make(name), SHORT)
    for key, tensor in expected.models["student"].items():
        assert tensor.isfinite().all()
        torch.testing.assert_close(found.models["student"][key], tensor, msg=key)


@pytest.mark.parametrize("name", ["logit_regression"])
def test_infinite_outputs_of_the_teacher_are_named_as_the_cause(name):
    message = failure(setting(teacher=Ruling()), make(name)).message
    assert "16 of the teacher's 48 outputs in this batch are infinite (sample 1" in message
    assert "learning rate" not in message


def test_an_augmentation_that_makes_nan_is_named_as_the_cause():
    spoilt = setting(augment=lambda inputs, generator: inputs / 0 * 0 if len(inputs) == 16 else inputs)
    assert "inputs of the student hold NaN or infinite values" in failure(spoilt, make("kd")).message


def test_a_division_by_zero_in_a_term_is_named_as_the_cause():
    own = Own(lambda student, batch: student.logits.sum(1) / torch.zeros(len(batch.ids)))
    assert "the term divides by 0" in failure(setting(), own).message


def test_a_learning_rate_that_is_too_high_is_named_as_the_cause():
    message = failure(setting(), make("kd"), Budget(epochs=3, batch_size=16, learning_rate=1e30)).message
    assert "lower the learning rate" in message


# --- outputs that are scored ---------------------------------------------------------------------------------------------
class BlindWhenAsked(MLP):
    """Learns well and answers NaN in evaluation mode, except about the few samples that are looked at before training."""

    def __init__(self):
        super().__init__(4, (8,), 3)

    def forward(self, inputs):
        outputs = super().forward(inputs)
        return outputs if self.training or len(inputs) < 3 else outputs * float("nan")


def test_a_student_that_answers_nan_has_no_score_of_zero():
    with pytest.raises(DistillationFailed, match="student for 30 of 30 samples that are scored became NaN"):
        run(setting(student=BlindWhenAsked), make("labels_only"))


def test_a_teacher_that_answers_nan_on_test_alone_has_no_score_and_the_run_says_so():
    class Blind(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net()

        def forward(self, inputs):
            return self.net(inputs) * torch.where(len(inputs) == torch.tensor(60), float("nan"), 1.0)

    found = run(setting(teacher=Blind()), make("labels_only"), SHORT)
    assert "teacher" not in found.scores
    assert any("the teacher has no score" in message for message in found.warnings)
    assert math.isfinite(found.scores["student"].last)


def test_what_rules_a_class_out_is_scored_and_positions_without_a_label_may_hold_anything():
    labels = torch.tensor([0, 1, -1])
    outputs = torch.tensor([[1.0, -math.inf], [-math.inf, 1.0], [math.nan, math.nan]])
    assert score(task("classification"), outputs, labels) == 100
    texts = torch.stack([outputs, outputs])
    assert score(task("tokens"), texts, torch.stack([labels, labels])) == 100
    with pytest.raises(NotFinite, match="1 of 3 samples"):
        score(task("classification"), outputs, torch.tensor([0, 1, 1]))
    with pytest.raises(NotFinite, match="infinite"):
        score(task("regression"), torch.tensor([[math.inf]]), torch.tensor([[0.0]]))


# --- positions that do not count ---------------------------------------------------------------------------------------
class Padding(nn.Module):
    """A decoder that answers with something useless wherever the text is padded."""

    def __init__(self, inner, filler):
        super().__init__()
        self.inner, self.filler = inner, filler

    def forward(self, input_ids, attention_mask=None, **more):
        outputs = self.inner(input_ids, attention_mask, **more)
        return (
            outputs if attention_mask is None else outputs.masked_fill(~attention_mask.bool()[..., None], self.filler)
        )


@pytest.mark.parametrize("filler", [-math.inf, math.inf, math.nan])
@pytest.mark.parametrize(
    "name", ["word_level_kd", "reverse_kl", "jensen_shannon", "total_variation", "skew_kl", "taid"]
)
def test_a_teacher_that_is_not_finite_where_texts_are_padded_teaches_as_one_that_is(name, filler):
    plain = text_setting()
    budget = Budget(epochs=1, batch_size=16, optimizer="adamw", learning_rate=0.01)
    expected = run(plain, make(name), budget)
    found = run(text_setting(teacher=Padding(plain.teacher, filler)), make(name), budget)
    for key, tensor in expected.models["student"].items():
        assert tensor.isfinite().all()
        torch.testing.assert_close(found.models["student"][key], tensor, msg=key)
