"""Norm and direction: the formula with means that were begun before, the limits, and the sums that have names."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.contracts.scene import scene
from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.features.board import nets
from tests.methods.literal import cross_entropy, dot, length, unit
from workbench.methods.catalog import find
from workbench.methods.catalog import make as make_method
from workbench.methods.features.norm_direction import ClassMeans, NormDirection, norm_and_direction
from workbench.models.tracing import Tracer

LABELS = [1, -1, 1, 0]
STUDENT = trace(
    [[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [0.4, 0.1, 0.0], [0.0, -0.3, 0.9]],
    s=[[0.3, -0.2], [2.0, 1.5], [0.4, 0.6], [-1.0, 0.2]],
)
TEACHER = trace(
    [[2.1, -0.5, 0.4], [0.1, -1.7, 1.1], [0.0, 0.3, 0.1], [0.9, 0.2, 0.1]],
    t=[[1.0, 0.4], [0.3, -0.5], [0.6, 1.1], [-0.7, -0.9]],
)
EARLIER = ([[0.5, 1.5], [-2.0, 0.25], [0.8, -0.3]], [1, 0, 1])


def formula(student, constants):
    told = constants.teacher["t"]
    classes = [1, 2, 1, 0]  # what has no label belongs to the teacher's choice
    losses = []
    for b in range(4):
        members = [row for row, c in zip(*EARLIER, strict=True) if c == classes[b]]
        members += [told[k] for k in range(4) if classes[k] == classes[b]]
        mean = [sum(column) / len(members) for column in zip(*members, strict=True)]
        longest = max(length(student["s"][b]), length(told[b]))
        losses.append(1 - dot(student["s"][b], unit(mean)) / longest)
    return {
        "labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)],
        "direction": losses,
    }


def make(**parameters):
    method = NormDirection(**parameters)
    method.student_layers, method.teacher_layers = ("s",), ("t",)
    method.adapter, method.means = nn.Identity(), ClassMeans(3, 2).double()
    method.means.observe(torch.tensor(EARLIER[0], dtype=torch.float64), torch.tensor(EARLIER[1]))
    return method


ORACLES = [Case("means begun before", make, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_length_helps_up_to_the_teachers_and_direction_alone_beyond():
    along, teacher = torch.tensor([[0.0, 5.0]]), torch.tensor([[2.0, 0.0]])
    lacking = [float(norm_and_direction(torch.tensor([[0.0, reach]]), teacher, along)) for reach in (0.5, 1, 2, 4, 8)]
    assert lacking == pytest.approx([0.75, 0.5, 0, 0, 0])


def test_after_an_epoch_the_means_are_those_of_all_samples_however_they_came():
    features, classes = torch.randn(60, 4), torch.randint(3, (60,))
    means = ClassMeans(3, 4)
    for rows in torch.randperm(60).split(7):
        means.observe(features[rows], classes[rows])
    expected = torch.stack([features[classes == c].mean(0) for c in range(3)])
    torch.testing.assert_close(means.mean, expected)


def test_means_move_after_the_step_and_not_before():
    here = scene(NormDirection)
    before = here.method.means.count.clone()
    here.terms()
    assert torch.equal(here.method.means.count, before)
    here.method.after_step(here.student, here.batch)
    assert here.method.means.count.sum() == 8


@pytest.mark.parametrize("other", ["kd", "dkd", "review_kd"])
def test_the_plus_plus_variants_are_sums_with_one_labels_term(other):
    student, teacher, example = nets()
    found = []
    added = make_method(f"{other}+norm_direction")
    weights = added.methods[0].config()  # of kd other ones than alone
    for method in (make_method(other, weights), make_method("norm_direction"), added):
        torch.manual_seed(0)
        method.build(student, teacher, example, FACTS)
        traced = [
            Tracer(net, layers) for net, layers in ((student, method.student_layers), (teacher, method.teacher_layers))
        ]
        found.append(method(*(tracer(example.student_inputs) for tracer in traced), example))
    alone, direction, both = found
    expected = {key if key == "labels" else f"{other}.{key}": term for key, term in alone.items()}
    expected["norm_direction.direction"] = direction["direction"]
    assert list(both) == list(expected)
    for key, term in expected.items():
        torch.testing.assert_close(both[key], term)


def test_it_is_found_under_its_other_names():
    assert find("kdpp") is find("nd") is NormDirection
