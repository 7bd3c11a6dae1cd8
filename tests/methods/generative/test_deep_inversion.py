"""DeepInversion: both formulas, how often inputs are made, that they fit the statistics, and the traps of its code."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.methods.case import FACTS, Case, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.generative.deep_inversion import DeepInversion, jensen_shannon
from workbench.models.convnet import ConvNet
from workbench.models.mlp import MLP
from workbench.records.batch import Batch
from workbench.records.trace import Trace

INSIDE = [[0.4, -1.5], [2.0, 0.3], [-0.7, 0.9]]
STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]], own=[[1.0, 0.5], [0.2, 0.1], [0.3, -2.0]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]], **{"0:input": INSIDE})
IMAGES = [[[[0.5, 1.5], [-0.3, 0.1]]], [[[0.2, -0.4], [0.8, 0.6]]], [[[1.1, 0.9], [-1.2, 0.4]]]]
WANTED = [2, 0, 1]
BATCH = Batch(torch.arange(3), torch.tensor(IMAGES, dtype=torch.float64), torch.tensor(WANTED))
MEAN, VARIANCE = [0.1, -0.2], [1.5, 0.6]


def norm(values):
    return math.sqrt(sum(value**2 for value in values))


def strangeness(rows):
    columns = list(zip(*rows, strict=True))
    means = [sum(column) / 3 for column in columns]
    variances = [sum((x - m) ** 2 for x in column) / 3 for column, m in zip(columns, means, strict=True)]
    return norm(a - b for a, b in zip(means, MEAN, strict=True)) + norm(
        a - b for a, b in zip(variances, VARIANCE, strict=True)
    )


def variation(images):
    pixels = [image[0] for image in images]
    across = norm(x[i][1] - x[i][0] for x in pixels for i in range(2))
    below = norm(x[1][j] - x[0][j] for x in pixels for j in range(2))
    return across + below + norm(x[1][1] - x[0][0] for x in pixels) + norm(x[1][0] - x[0][1] for x in pixels)


def apart(p, q):
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    return (kl(p, middle) + kl(q, middle)) / 2


def formula(student, constants):
    answers = constants.teacher["logits"]
    pairs = [(softmax(s, 3), softmax(t, 3)) for s, t in zip(student["logits"], answers, strict=True)]
    return {
        "soft": [9 * kl(t, s) for s, t in pairs],
        "classes": [cross_entropy(t, y) for t, y in zip(answers, WANTED, strict=True)],
        "batch_norm": [10 * strangeness(constants.teacher["0:input"])],
        "competition": [0.01 * (1 - apart(s, t)) for s, t in pairs],
        "smoothness": [2.5e-5 * variation(IMAGES)],
    }


def nets():
    """A student, and a teacher that normalises its two numbers first."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        student, teacher = nn.Linear(2, 3), nn.Sequential(nn.BatchNorm1d(2, affine=False), nn.Linear(2, 3))
    teacher[0].running_mean, teacher[0].running_var = torch.tensor(MEAN), torch.tensor(VARIANCE)
    return student.double(), teacher.double().eval().requires_grad_(requires_grad=False)


def built(**parameters):
    method = DeepInversion(**parameters)
    student, teacher = nets()
    with torch.random.fork_rng():
        torch.manual_seed(2)
        method.build(student, teacher, Batch(torch.arange(2), torch.zeros(2, 2, dtype=torch.float64)), FACTS)
    return method


class Constant:
    """The method on a teacher that is a constant."""

    def __init__(self, **parameters):
        self.method = built(**({"images": 8} | parameters))
        self.method.statistics.mean_0 = torch.tensor(MEAN, dtype=torch.float64)
        self.method.statistics.variance_0 = torch.tensor(VARIANCE, dtype=torch.float64)
        self.stages = self.method.stages

    def __call__(self, student, teacher, batch):
        constant = Trace(teacher.outputs.detach(), {name: f.detach() for name, f in teacher.features.items()})
        terms = self.method(student, constant, batch)
        return {name: term if term.dim() else term[None] for name, term in terms.items()}


class Context:
    """The engine's part in an update; the student does not move."""

    def __init__(self, method):
        student, self.teacher = nets()
        self.method, self.students = method, {"student": student}

    def terms(self, batch):
        seen = batch.student_inputs
        known = Trace(self.teacher(seen), {"0:input": seen})
        return {name: t.mean() for name, t in self.method(Trace(self.students["student"](seen)), known, batch).items()}

    def check(self, terms):
        return {name: term.item() for name, term in terms.items()}

    def minimise(self, terms, player):
        assert (list(terms), player) == (["soft"], "student")


class Counter(Context):
    """Counts the passes, and finds nothing in them."""

    passes = 0

    def terms(self, batch):
        self.passes += 1
        return dict.fromkeys(("soft", "classes"), batch.student_inputs.sum())


class Schedule:
    """How many passes 101 steps of the student take, and how many inputs are kept."""

    def __init__(self, **parameters):
        self.method = built(**parameters)
        self.stages = self.method.stages

    def __call__(self, student, teacher, batch):
        context, here = Counter(self.method), Batch(torch.arange(4), torch.zeros(4, 2))
        for _ in range(101):
            self.method.update(context, self.method.inputs(here, context.students))
            self.method.after_step(context.students["student"], here)
        zero = student.logits.sum() * 0
        return {"passes": zero + torch.tensor([context.passes]), "kept": zero + torch.tensor([len(self.method.pool)])}


def schedule(student, constants):
    return {"passes": [101 + 2 * 200], "kept": [256]}


ORACLES = [
    Case("three images", Constant, STUDENT, TEACHER, BATCH, formula),
    Case("101 steps", Schedule, STUDENT, TEACHER, BATCH, schedule),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_inputs_come_to_fit_statistics_and_classes():
    method = built(iterations=300, images=64)
    context = Context(method)
    context.terms(method.inputs(Batch(torch.arange(64), torch.zeros(64, 2)), context.students))
    method.update(context, method.inputs(Batch(torch.arange(64), torch.zeros(64, 2)), context.students))
    for axis in range(2):
        assert float(method.pool[:, axis].mean()) == pytest.approx(MEAN[axis], abs=0.15)
        assert float(method.pool[:, axis].var(unbiased=False)) == pytest.approx(VARIANCE[axis], abs=0.3)
    noise = torch.tensor(MEAN) + torch.randn(64, 2) * torch.tensor(VARIANCE).sqrt()
    before, after = (F.cross_entropy(context.teacher(x), method.wanted) for x in (noise.double(), method.pool))
    assert after < before


def test_the_student_is_as_it_was_while_inputs_are_made():
    method = built(iterations=5)
    context = Context(method)
    before = {name: tensor.clone() for name, tensor in context.students["student"].state_dict().items()}
    method.update(context, method.inputs(Batch(torch.arange(4), torch.zeros(4, 2)), context.students))
    assert context.students["student"].training
    for name, tensor in context.students["student"].state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


def test_the_divergence_is_symmetric_and_bounded_and_not_that_of_the_released_code():
    """The code has KL(M || P) for KL(P || M), which is unbounded, and clamps for that."""
    for gap in (40.0, 500.0):
        far = torch.tensor([[gap, 0.0, 0.0]], requires_grad=True), torch.tensor([[0.0, gap, 0.0]])
        apart_by = jensen_shannon(*far)
        assert apart_by.item() == pytest.approx(math.log(2))
        (gradient,) = torch.autograd.grad(apart_by.sum(), far[0])
        assert gradient.isfinite().all()
    one, other = STUDENT.logits, TEACHER.logits
    torch.testing.assert_close(jensen_shannon(one, other), jensen_shannon(other, one))
    torch.testing.assert_close(jensen_shannon(one, one), torch.zeros(3, dtype=torch.float64))
    turned = [
        (kl(m, p) + kl(m, q)) / 2
        for p, q in zip(one.softmax(1).tolist(), other.softmax(1).tolist(), strict=True)
        for m in [[(a + b) / 2 for a, b in zip(p, q, strict=True)]]
    ]
    assert abs(jensen_shannon(one, other)[0].item() - turned[0]) > 1e-3


def test_points_have_no_smoothness_and_are_not_moved_round():
    method = built()
    terms = Context(method).terms(method.inputs(Batch(torch.arange(4), torch.zeros(4, 2)), {}))
    assert sorted(terms) == ["batch_norm", "classes", "competition", "soft"]


def test_a_teacher_without_batch_normalisation_is_refused():
    here = Batch(torch.arange(2), torch.zeros(2, 4))
    message = r"MLP has no batch normalisation with running statistics, .* ConvNet .* zskt; its layers: .*layer1"
    with pytest.raises(ValueError, match=message):
        DeepInversion().build(MLP(4, (5,), 3), MLP(4, (6,), 3), here, FACTS)


def test_all_batch_norms_of_a_convnet_are_read():
    method, teacher = DeepInversion(images=8), ConvNet(1, (4, 5, 6), 3)
    method.build(ConvNet(1, (2,), 3), teacher, Batch(torch.arange(2), torch.zeros(2, 1, 8, 8)), FACTS)
    assert method.teacher_layers == ("layer1.1:input", "layer2.2:input", "layer3.2:input")
