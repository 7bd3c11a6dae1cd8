"""Soft targets at every token, hidden words, and the angle between hidden states."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.methods.case import Case, check
from tests.methods.encoders.board import BATCH, FACTS, LABELS, adapted, adapter, mean_over_real, model
from tests.methods.literal import cross_entropy, dot, kl, length, softmax
from workbench.methods.encoders.distilbert import DistilBERT
from workbench.methods.method import Method
from workbench.models.encoder import Encoder, MaskedLanguageModel
from workbench.records.trace import Trace

STUDENT, TEACHER = model(3), model(3)


def formula(own):
    def at(student, constants):
        soft, angles, labels = [], [], []
        for b in range(2):
            s, t = student["logits"][b], constants.teacher["logits"][b]
            hidden = [own(row) for row in student["hidden"][b]]
            hints = constants.teacher["hidden"][b]
            soft.append([kl(softmax(t[n], 2), softmax(s[n], 2)) for n in range(3)])
            angles.append([1 - dot(x, y) / length(x) / length(y) for x, y in zip(hidden, hints, strict=True)])
            found = [cross_entropy(s[n], LABELS[b][n]) for n in range(3) if LABELS[b][n] >= 0]
            labels.append(2 * sum(found) / max(len(found), 1))
        return {
            "labels": labels,
            "soft": [5 * 4 * x for x in mean_over_real(soft)],
            "hidden": [1 * x for x in mean_over_real(angles)],
        }

    return at


def built(maker):
    def make(**parameters):
        method = DistilBERT(**parameters)
        Method.build(method, nn.Identity(), nn.Identity(), BATCH, FACTS)
        method.student_layers = method.teacher_layers = ("hidden",)
        method.adapter = maker()
        return method

    return make


ORACLES = [
    Case("through an adapter", built(adapter), STUDENT, TEACHER, BATCH, formula(adapted)),
    Case("equally wide", built(nn.Identity), STUDENT, TEACHER, BATCH, formula(list)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_a_student_that_is_its_teacher_has_nothing_to_learn_but_the_words():
    terms = built(nn.Identity)()(TEACHER, TEACHER, BATCH)
    for name in ("soft", "hidden"):
        torch.testing.assert_close(terms[name], torch.zeros(2, dtype=torch.float64), atol=1e-12, rtol=0)
    assert terms["labels"][0] > 0


def test_directions_do_not_depend_on_the_length_of_hidden_states():
    longer = Trace(STUDENT.outputs, {"hidden": 3 * STUDENT["hidden"]})
    first, second = (built(nn.Identity)()(student, TEACHER, BATCH)["hidden"] for student in (STUDENT, longer))
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize(("width", "parts"), [(6, 0), (4, 2)])
def test_an_adapter_is_learnt_only_where_widths_differ(width, parts):
    models = [MaskedLanguageModel(Encoder(4, size, 2, 2, 8)) for size in (width, 6)]
    method = DistilBERT()
    method.build(*models, BATCH, FACTS)
    assert len(list(method.parameters())) == parts
    assert (method.student_layers, method.teacher_layers) == (("encoder.layer2",), ("encoder.layer2",))
