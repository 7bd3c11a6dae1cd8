"""How parameters move: rules for gradients, opponents, and steps that look one step ahead."""

from __future__ import annotations

import copy
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.contracts.probes.world import PLAIN, net, play, same, setting, start, steps, weights
from workbench.data.transfer import TransferSet
from workbench.methods.method import Method
from workbench.records import events
from workbench.records.budget import Budget
from workbench.records.plan import Player

RATE = 0.05
WHOLE = Budget(epochs=1, batch_size=96, learning_rate=RATE, **PLAIN)
"""One step on all samples."""


class Two(Method):
    """Labels and the teacher's logits: two terms that disagree."""

    def forward(self, student, teacher, batch):
        answers = (student.logits - 10 * teacher.logits.detach()).square().mean(1)
        return {"labels": self.label_loss(student, batch), "answers": answers}


class Projected(nn.Module):
    """Yu et al. 2020: of two conflicting gradients each loses its part against the other."""

    def combine(self, gradients, player):
        flat = {name: torch.cat([g.flatten() for g in grads]) for name, grads in gradients.items()}
        first, second = flat["labels"], flat["answers"]
        dot = torch.minimum(first @ second, torch.zeros(()))
        total = first - dot / (second @ second) * second + second - dot / (first @ first) * first
        sizes = [g.numel() for g in gradients["labels"]]
        return [p.view_as(g) for p, g in zip(total.split(sizes), gradients["labels"], strict=True)]


def _literal_terms(model, where) -> dict[str, Tensor]:
    logits = model(where.train.inputs)
    target = 10 * where.teacher(where.train.inputs).detach()
    return {
        "labels": F.cross_entropy(logits, where.train.labels),
        "answers": (logits - target).square().mean(),
    }


def test_a_rule_for_conflicting_gradients_is_the_literal_projection():
    method, where = Two(), setting()
    method.gradient_rule = Projected()
    ruled = start(where, method, WHOLE)
    begun = None
    for event in play(ruled):
        if isinstance(event, events.Stage):
            begun = copy.deepcopy(ruled.trial.parties["student"])
    parameters = list(begun.parameters())
    found = {n: torch.autograd.grad(t, parameters, retain_graph=True) for n, t in _literal_terms(begun, where).items()}
    pairs = list(zip(*found.values(), strict=True))
    dot = sum(float((a * b).sum()) for a, b in pairs)
    squares = [sum(float(p[k].square().sum()) for p in pairs) for k in (0, 1)]
    assert dot < 0, "the probe needs a conflict"
    for old, new, (a, b) in zip(parameters, ruled.trial.parties["student"].parameters(), pairs, strict=True):
        expected = old - RATE * ((a - dot / squares[1] * b) + (b - dot / squares[0] * a))
        torch.testing.assert_close(new, expected, rtol=1e-4, atol=1e-6)


class MomentumSplit(nn.Module):
    """Zhao et al. 2023: distillation gets more momentum than the labels, on top of an optimiser with momentum 0.9."""

    def __init__(self, delta):
        super().__init__()
        self.delta = delta

    def prepare(self, student):
        for kind in ("labels", "answers"):
            for k, p in enumerate(student.parameters()):
                self.register_buffer(f"{kind}_{k}", torch.zeros_like(p))

    def combine(self, gradients, player):
        combined = []
        for k, (labels, answers) in enumerate(zip(gradients["labels"], gradients["answers"], strict=True)):
            slow, fast = getattr(self, f"labels_{k}"), getattr(self, f"answers_{k}")
            combined.append(labels + answers + self.delta * (fast - slow))
            slow.mul_(0.9 - self.delta).add_(labels)
            fast.mul_(0.9 + self.delta).add_(answers)
        return combined


class Split(Two):
    def build(self, student_model, teacher_model, example, facts):
        super().build(student_model, teacher_model, example, facts)
        self.gradient_rule = MomentumSplit(0.075)
        self.gradient_rule.prepare(student_model)


def test_a_momentum_split_is_the_literal_pair_of_buffers():
    where = setting()
    split = start(where, Split(), Budget(3, 96, learning_rate=RATE, **(PLAIN | {"momentum": 0.9})))
    literal, slow, fast = None, None, None
    for event in play(split):
        if isinstance(event, events.Stage):
            literal = copy.deepcopy(split.trial.parties["student"])
            slow, fast = ([torch.zeros_like(p) for p in literal.parameters()] for _ in range(2))
        if isinstance(event, events.Step):
            terms, parameters = _literal_terms(literal, where), list(literal.parameters())
            labels, answers = (
                torch.autograd.grad(terms[n], parameters, retain_graph=True) for n in ("labels", "answers")
            )
            slow = [(0.9 - 0.075) * v + g for v, g in zip(slow, labels, strict=True)]
            fast = [(0.9 + 0.075) * v + g for v, g in zip(fast, answers, strict=True)]
            with torch.no_grad():
                for parameter, a, b in zip(parameters, slow, fast, strict=True):
                    parameter.sub_(RATE * (a + b))
    for expected, found in zip(literal.parameters(), split.trial.parties["student"].parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert "gradient_rule.labels_0" in split.method.state_dict(), "the buffers are kept with the run"


class Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value):
        return value.view_as(value)

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


class LearnedTemperature(Method):
    """The student descends the divergence, its temperature climbs it through a reversed gradient."""

    def __init__(self):
        super().__init__()
        self.log_temperature = nn.Parameter(torch.zeros(()))

    def divergence(self, student_logits, teacher_logits, temperature):
        log_student = F.log_softmax(student_logits / temperature, 1)
        return F.kl_div(log_student, F.softmax(teacher_logits / temperature, 1), reduction="none").sum(1)

    def forward(self, student, teacher, batch):
        temperature = Reversal.apply(self.log_temperature).exp()
        return {"soft": self.divergence(student.logits, 10 * teacher.logits.detach(), temperature)}


def test_a_temperature_learned_by_gradient_reversal_climbs():
    where = setting()
    learned, begun = start(where, LearnedTemperature(), WHOLE), None
    for event in play(learned):
        if isinstance(event, events.Stage):
            begun = copy.deepcopy(learned.trial.parties["student"])
    log_temperature = torch.zeros((), requires_grad=True)
    logits, answers = begun(where.train.inputs).detach(), 10 * where.teacher(where.train.inputs).detach()
    loss = learned.method.divergence(logits, answers, log_temperature.exp()).mean()
    (gradient,) = torch.autograd.grad(loss, log_temperature)
    torch.testing.assert_close(learned.method.log_temperature.detach(), RATE * gradient)
    assert gradient != 0


class Synthesis(Method):
    """Data-free: a generator looks for inputs on which student and teacher disagree; real inputs are not used."""

    teacher_input_gradient = True

    def __init__(self):
        super().__init__()
        self.generator, self.moved, self.inner = nn.Linear(2, 4), [], []

    def players(self, students):
        return {
            "generator": Player(self.generator.parameters(), sign=-1.0, every=2, learning_rate=0.5),
            "student": Player(students["student"].parameters()),
        }

    def inputs(self, batch, students):
        self.noise = torch.randn(len(batch.ids), 2)
        return batch.but(student_inputs=self.generator(self.noise), labels=None)

    def forward(self, student, teacher, batch):
        return {"disagreement": (student.logits - teacher.logits).abs().mean(1)}

    def after_step(self, student, batch):
        self.moved.append(weights(self.generator))


def test_an_adversarial_generator_moves_up_through_the_frozen_teacher(home):
    where = setting()
    adversary = start(where, Synthesis(), Budget(2, 16, learning_rate=RATE, **PLAIN))
    before, kept, student = None, None, None
    for event in play(adversary):
        if isinstance(event, events.Stage):
            before, student = (
                copy.deepcopy(adversary.method.generator),
                copy.deepcopy(adversary.trial.parties["student"]),
            )
        if isinstance(event, events.Step) and event.step == 1:
            kept, first_noise = list((home / "teachers").glob("outputs-*")), adversary.method.noise
    assert kept == [], "nothing the teacher says about made-up inputs is kept"
    loss = (student(before(first_noise)) - where.teacher(before(first_noise))).abs().mean()
    gradients = torch.autograd.grad(loss, list(before.parameters()))
    for old, gradient, name in zip(before.parameters(), gradients, ("weight", "bias"), strict=True):
        expected = old + 0.5 * RATE * gradient
        torch.testing.assert_close(adversary.method.moved[0][name], expected, rtol=1e-4, atol=1e-6)
    moved = adversary.method.moved
    stayed = [same(a, b) for a, b in pairwise(moved)]
    assert stayed == [True, False] * 5 + [True], "the generator moves at every second step"
    teacher = adversary.trial.parties["teacher"]
    assert all(p.grad is None for p in teacher.parameters())
    assert same(weights(teacher), weights(net()))


class Reweighted(Method):
    """A net weighs the samples so that one step on them lowers the loss of trusted ones (ids below 1024)."""

    reads_teacher = False

    def build(self, student_model, teacher_model, example, facts):
        super().build(student_model, teacher_model, example, facts)
        self.weigher = nn.Sequential(nn.Embedding(facts.samples, 4), nn.Linear(4, 1))

    def players(self, students):
        return {
            "student": Player(students["student"].parameters()),
            "weigher": Player(self.weigher.parameters(), learning_rate=20.0),
        }

    def weigh(self, ids):
        return torch.sigmoid(self.weigher(ids - 1000)).squeeze(1)

    def forward(self, student, teacher, batch):
        return {"labels": self.weigh(batch.ids) * self.label_loss(student, batch)}

    def update(self, context, batch):
        trusted = batch.ids < 1024
        doubted, sure = (_part(batch, rows) for rows in (~trusted, trusted))
        ahead = one_step_ahead(context, context.terms(doubted)["labels"])
        meta = {"meta": self.label_loss(context.look(sure, {"student": ahead}), sure).mean()}
        values = context.check(meta)
        context.minimise(meta, "weigher")
        terms = context.terms(doubted)
        values |= context.check(terms)
        context.minimise(terms, "student")
        return values


def one_step_ahead(context, loss) -> dict[str, Tensor]:
    """The student's weights after a plain gradient step, as a function of whatever the loss depends on."""
    named = dict(context.students["student"].named_parameters())
    gradients = torch.autograd.grad(loss, named.values(), create_graph=True)
    rate = context.optimizers["student"].param_groups[0]["lr"]
    return {name: p - rate * g for (name, p), g in zip(named.items(), gradients, strict=True)}


def _part(batch, rows):
    return batch.but(ids=batch.ids[rows], student_inputs=batch.student_inputs[rows], labels=batch.labels[rows])


@pytest.fixture
def mislabelled():
    where = setting()
    labels = where.train.labels.clone()
    labels[60:] = (labels[60:] + 1) % 3
    return setting(train=TransferSet(where.train.inputs, labels, ids=where.train.ids)), torch.arange(60, 96)


def test_a_weight_net_learns_through_one_unrolled_step(mislabelled):
    where, wrong = mislabelled
    bilevel = start(where, Reweighted(), Budget(100, 96, learning_rate=0.3, **PLAIN))
    found = steps(bilevel)
    given = bilevel.method.weigh(where.train.ids).detach()
    right = torch.arange(24, 60)
    assert set(found[0].terms) == {"meta", "labels"}
    assert given[right].mean() > given[wrong].mean() + 0.2, "wrong labels count less"


def test_the_unrolled_gradient_is_the_slope_of_the_meta_loss(mislabelled):
    """A finite difference in one weight of the weight net."""
    where, _ = mislabelled
    kept = {}

    class Peek(Reweighted):
        def update(self, context, batch):
            trusted = batch.ids < 1024
            doubted, sure = (_part(batch, rows) for rows in (~trusted, trusted))

            def meta():
                ahead = one_step_ahead(context, context.terms(doubted)["labels"])
                return self.label_loss(context.look(sure, {"student": ahead}), sure).mean()

            bias = self.weigher[1].bias
            (kept["slope"],) = torch.autograd.grad(meta(), bias)
            ends = []
            for move in (-0.05, 0.05):
                with torch.no_grad():
                    bias += move
                ends.append(meta().item())
                with torch.no_grad():
                    bias -= move
            kept["difference"] = (ends[1] - ends[0]) / 0.1
            return super().update(context, batch)

    steps(start(where, Peek(), Budget(1, 96, learning_rate=1.0, **PLAIN)))
    assert float(kept["slope"]) == pytest.approx(kept["difference"], rel=0.02)
    assert kept["difference"] != 0
