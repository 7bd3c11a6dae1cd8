"""Explanations: the formula with its gradients of gradients, Grad-CAM of a linear head, and gradients that are missing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.methods.case import FACTS, Case, batch, check
from tests.methods.features.board import LABELS, nets, traces
from tests.methods.literal import cross_entropy, dot, kl, length, softmax
from workbench.methods.crossmodal.explanation_matching import ExplanationMatching, grad_cam, unlikeness
from workbench.methods.features.cat_kd import class_maps
from workbench.models.tracing import Tracer
from workbench.records.batch import Batch
from workbench.records.trace import Trace

generator = torch.Generator().manual_seed(6)
MAPS = traces(14, {"f": (2, 2, 3)}, {"f": (2, 2, 3)})
VECTORS = traces(15, {"f": (6,)})
HEADS = {
    shape: [torch.randn(3, *shape, generator=generator, dtype=torch.float64) for _ in range(2)]
    for shape in ((2, 2, 3), (6,))
}


def answers(features, head):
    """Logits that are sums of squares, so that their slopes depend on the features."""
    return [[float((h * row**2).sum()) for h in head.numpy()] for row in features]


class Squares:
    """The method between two nets whose heads are known."""

    def __init__(self, **parameters):
        self.method = ExplanationMatching(**parameters)
        self.method.student_layers = self.method.teacher_layers = ("f",)
        self.stages, self.forward = self.method.stages, self.__call__

    def __call__(self, student, teacher, batch):
        heads = HEADS[tuple(student["f"].shape[1:])]
        features = [f if f.requires_grad else f.clone().requires_grad_() for f in (student["f"], teacher["f"])]
        logits = [(f[:, None] ** 2 * head).flatten(2).sum(2) for f, head in zip(features, heads, strict=True)]
        return self.method(*(Trace(z, {"f": f}) for z, f in zip(logits, features, strict=True)), batch)


def explanation(row, slopes):
    """Of maps (K, H, W) the weighted sum, of vectors each unit by itself."""
    if row.ndim == 1:
        return [max(x * g, 0.0) for x, g in zip(row, slopes, strict=True)]
    weights = [g.mean() for g in slopes]
    return [max(dot(weights, row[:, i, j]), 0.0) for i in range(row.shape[1]) for j in range(row.shape[2])]


def formula(student, constants):
    heads = HEADS[student["f"].shape[1:]]
    mine, theirs = (answers(f, head) for f, head in zip((student["f"], constants.teacher["f"]), heads, strict=True))
    unlike = []
    for b in range(2):
        c = int(np.argmax(theirs[b]))
        rows = student["f"][b], constants.teacher["f"][b]
        m, n = (explanation(row, 2 * head[c].numpy() * row) for row, head in zip(rows, heads, strict=True))
        unlike.append(1 - dot(m, n) / (length(m) * length(n)))
    return {
        "labels": [0.0 * cross_entropy(s, y) for s, y in zip(mine, LABELS, strict=True)],
        "soft": [kl(softmax(t), softmax(s)) for s, t in zip(mine, theirs, strict=True)],
        "explanations": unlike,
    }


def with_labels(student, constants):
    mine, theirs = (answers(f, h) for f, h in zip((student["f"], constants.teacher["f"]), HEADS[(6,)], strict=True))
    labels = [0.5 * cross_entropy(s, y) for s, y in zip(mine, LABELS, strict=True)]
    soft = [4 * kl(softmax(t, 2), softmax(s, 2)) for s, t in zip(mine, theirs, strict=True)]
    return formula(student, constants) | {"labels": labels, "soft": soft}


def labelled(**parameters):
    return Squares(**({"label_weight": 0.5, "temperature": 2.0} | parameters))


ORACLES = [
    Case("maps", Squares, *MAPS, batch(LABELS), formula),
    Case("vectors", Squares, *VECTORS, batch(LABELS), formula),
    Case("with labels", labelled, *VECTORS, batch(LABELS), with_labels),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_under_a_linear_head_it_is_the_class_map_where_that_is_above_zero():
    net, _, example = nets()
    trace = Tracer(net, ("layer2",))(example.student_inputs)
    found = grad_cam(trace.logits[:, 1], trace["layer2"], differentiable=False)
    expected = class_maps(trace["layer2"], net.classifier.weight)[:, 1:2] / 4
    torch.testing.assert_close(found, expected.relu())


def test_a_scale_is_not_seen_and_a_map_of_zeros_is_like_nothing():
    maps = torch.rand(2, 1, 3, 3)
    assert unlikeness(5 * maps, maps).abs().max() < 1e-6
    blank = torch.zeros(2, 1, 3, 3, requires_grad=True)
    unlike = unlikeness(blank, maps)
    unlike.sum().backward()
    assert unlike.tolist() == [1.0, 1.0]
    assert blank.grad.isfinite().all()
    assert math.isclose(float(unlikeness(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 4, 6))), 0, abs_tol=1e-6)


def test_a_frozen_teacher_explains_itself_by_the_gradients_its_inputs_keep():
    student, teacher, example = nets()
    method = ExplanationMatching()
    method.build(student, teacher.requires_grad_(requires_grad=False), example, FACTS)
    seen = method.inputs(example, {"student": student})
    assert seen.teacher_inputs.requires_grad
    assert not seen.student_inputs.requires_grad
    tracers = Tracer(student, method.student_layers), Tracer(teacher, method.teacher_layers)
    mine = tracers[0](seen.student_inputs)
    terms = method(mine, tracers[1](seen.for_teacher), seen)
    terms["explanations"].sum().backward()
    assert student.layer1[0].weight.grad.abs().sum() > 0
    assert seen.teacher_inputs.grad is None
    with pytest.raises(ValueError, match="no gradient leads from the outputs to the feature of shape"):
        method(mine, tracers[1](example.for_teacher), example)


def test_inputs_without_gradients_are_refused():
    with pytest.raises(TypeError, match=r"inputs are torch\.int64; explanation_matching takes gradients"):
        ExplanationMatching().inputs(Batch(torch.arange(2), torch.zeros(2, 3, dtype=torch.int64)), {})
