"""Correlations: both losses of that name, how the series nears the kernel, and how little neighbours see of pairs."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, dot, length
from workbench.maths.similarities import taylor_kernel
from workbench.methods.relations.correlation_congruence import CorrelationCongruence
from workbench.records.batch import Batch

LABELS = [0, 2, -1]
LOGITS = [[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]]
STUDENT = trace(LOGITS, **{"1:input": [[0.3, 0.1], [1.0, -0.3], [-0.2, 1.5]]})
TEACHER = trace(LOGITS, **{"1:input": [[0.3, 1.0], [1.2, -0.5], [0.4, -0.8]]})


def make(**parameters):
    torch.manual_seed(2)
    student, teacher = (nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 3)) for _ in range(2))
    method = CorrelationCongruence(**parameters)
    method.build(student, teacher, Batch(torch.arange(2), torch.ones(2, 4)), FACTS)
    return method.double()


def labels(student):
    return [cross_entropy(row, y) for row, y in zip(student["logits"], LABELS, strict=True)]


def kernel(a, b):
    cosine = dot(a, b) / length(a) / length(b)
    return math.exp(-0.8) * (1 + 0.8 * cosine + 0.8**2 / 2 * cosine**2)


def kernels(student, constants):
    s, t = student["1:input"], constants.teacher["1:input"]
    gaps = [[(kernel(s[a], s[b]) - kernel(t[a], t[b])) ** 2 for b in range(3)] for a in range(3)]
    return {"labels": labels(student), "correlation": [100 * sum(row) / 3 for row in gaps]}


def projected(projection, features):
    weight, bias = (p.detach().numpy() for p in (projection.weight, projection.bias))
    return [[dot(w, f) + b for w, b in zip(weight, bias, strict=True)] for f in features]


def neighbours(student, constants):
    method = make(variant="neighbours")
    mine = projected(method.student_projection, student["1:input"])
    theirs = projected(method.teacher_projection, constants.teacher["1:input"])
    gaps = [[abs(x - y) for x, y in zip(g, h, strict=True)] for g, h in zip(mine, theirs, strict=True)]
    found = (dot(gaps[0], gaps[1]) + dot(gaps[1], gaps[2])) / 2
    return {"labels": labels(student), "correlation": [0.02 * found] * 3}


RELEASED = partial(make, variant="neighbours", weight=0.02)
ORACLES = [
    Case("kernel", make, STUDENT, TEACHER, batch(LABELS), kernels),
    Case("neighbours", RELEASED, STUDENT, TEACHER, batch(LABELS), neighbours),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_series_nears_the_gaussian_kernel_of_the_directions():
    points = torch.randn(5, 3, dtype=torch.float64)
    gaussian = torch.exp(-0.4 * torch.cdist(nn.functional.normalize(points), nn.functional.normalize(points)).square())
    errors = [(taylor_kernel(points, 0.4, order) - gaussian).abs().max().item() for order in (1, 2, 8)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-6


def test_turning_the_teacher_costs_nothing_by_the_kernel_but_much_by_neighbours():
    turn, _ = torch.linalg.qr(torch.randn(2, 2, dtype=torch.float64))
    turned = trace(LOGITS, **{"1:input": (STUDENT["1:input"] @ turn).tolist()})
    assert make()(STUDENT, turned, batch(LABELS))["correlation"].abs().max() < 1e-12
    torch.manual_seed(2)
    method = RELEASED()
    method.teacher_projection = method.student_projection
    assert method(STUDENT, turned, batch(LABELS))["correlation"].abs().max() > 1e-4


def test_neighbours_depend_on_the_order_of_the_batch_and_the_kernel_does_not():
    """The trap: the benchmark's loss is a product of the gaps of adjacent samples, not a comparison of all pairs."""
    order = [0, 2, 1]
    turned = [trace(LOGITS, **{"1:input": side["1:input"][order].tolist()}) for side in (STUDENT, TEACHER)]
    means = {
        name: [m(*pair, batch(LABELS))["correlation"].mean() for pair in ((STUDENT, TEACHER), turned)]
        for name, m in (("kernel", make()), ("neighbours", RELEASED()))
    }
    torch.testing.assert_close(*means["kernel"])
    assert abs(means["neighbours"][0] - means["neighbours"][1]) > 1e-6


def test_a_single_sample_has_no_neighbours():
    pair = [trace(LOGITS[:1], **{"1:input": side["1:input"][:1].tolist()}) for side in (STUDENT, TEACHER)]
    assert RELEASED()(*pair, batch([0]))["correlation"].tolist() == [0]
