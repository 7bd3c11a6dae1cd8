"""Confident teachers: the formula with both weights, whom they favour, and a run of all parties."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.contracts.probes.world import net, run, setting
from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, dot, kl, softmax
from workbench.methods.ensembles.ca_mkd import CAMKD
from workbench.models.mlp import MLP

FEATURES = [[0.5, -0.3], [0.2, 0.9], [1.1, 0.4]]
STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]], own=FEATURES)
ONE = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]], theirs=[[0.1, 0.2], [-0.4, 1.0], [0.3, 0.3]])
TWO = trace([[0.4, 0.9, -0.6], [2.0, -0.3, 0.2], [0.1, 0.2, -1.4]], theirs=[[0.7, 0.0], [0.2, -0.6], [0.5, 1.3]])
LABELS = [0, 2, -1]
HEADS = [[[0.4, -0.2], [0.3, 0.8], [-0.5, 0.1]], [[-0.7, 0.6], [0.2, 0.2], [0.9, -0.4]]]
PLAN = (
    ("teacher_2", "teacher_2", None, 1.0),
    ("teacher_3", "teacher_3", None, 1.0),
    ("distill", "student", ("teacher", "teacher_2", "teacher_3"), 1.0),
)


class Doubled(nn.Module):
    def forward(self, features):
        return 2 * features


def made(**parameters):
    method = CAMKD(**parameters)
    method.student_layers, method.teacher_layers = ("own",), ("theirs",)
    method.adapters = nn.ModuleList([nn.Identity(), Doubled()])
    for k, head in enumerate(HEADS):
        classifier = nn.Linear(2, 3, bias=False).double()
        classifier.weight.data = torch.tensor(head, dtype=torch.float64)
        method._classifiers[k] = classifier
    return method


def labels_alone(student, constants):
    return {"labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]}


def trust(rows, label):
    powers = [math.exp(cross_entropy(row, label)) for row in rows]
    return [1 - power / sum(powers) for power in powers]


def formula(student, constants):
    soft, features = [], []
    for b, y in enumerate(LABELS):
        rows = [teacher["logits"][b] for teacher in constants.teacher]
        weighed = zip(trust(rows, y), rows, strict=True)
        soft.append(16 / 2 * sum(w * kl(softmax(t, 4), softmax(student["logits"][b], 4)) for w, t in weighed))
        own = student["own"][b]
        mapped = [list(own), [2 * x for x in own]]
        judged = [[dot(row, m) for row in head] for head, m in zip(HEADS, mapped, strict=True)]
        gaps = [
            sum((x - z) ** 2 for x, z in zip(m, teacher["theirs"][b], strict=True)) / 2
            for m, teacher in zip(mapped, constants.teacher, strict=True)
        ]
        features.append(50 / 2 * sum(v * gap for v, gap in zip(trust(judged, y), gaps, strict=True)))
    return labels_alone(student, constants) | {"soft": soft, "features": features}


ORACLES = [
    Case("a further teacher", CAMKD, STUDENT, None, batch(LABELS), labels_alone, PLAN),
    Case("two teachers", made, STUDENT, (ONE, TWO), batch(LABELS), formula, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_a_teacher_that_is_wrong_beyond_doubt_has_no_say():
    wrong, right = trace([[0.0, 99.0, 0.0]]), trace([[3.0, 0.0, 0.0]])
    weights = made()._trust([wrong.logits, right.logits], batch([0]))
    assert weights.squeeze(1).tolist() == pytest.approx([0, 1])


def test_without_a_label_all_teachers_count_alike():
    weights = made()._trust([ONE.logits, TWO.logits, STUDENT.logits], batch([-1, -1, -1]))
    torch.testing.assert_close(weights, torch.full((3, 3), 1 / 3, dtype=torch.float64))


def test_a_run_uses_the_classifiers_of_its_own_teachers():
    result = run(setting(), CAMKD(teachers=2))
    assert set(result.scores) == {"teacher", "teacher_2", "student"}
    assert result.curves["terms/features"].values[-5:].mean() < result.curves["terms/features"].values[:5].mean()
    joined = run(setting(), CAMKD().joined_by(net(seed=5)))
    assert result.curves["terms/soft"].values[0] != joined.curves["terms/soft"].values[0]


def test_a_hint_that_no_linear_classifier_reads_is_refused():
    models = MLP(4, (5,), 3), MLP(4, (6,), 3)
    with pytest.raises(ValueError, match=r"needs the input of a linear classifier as its hint.*'layer1' is not one"):
        CAMKD(hint="layer1").build(*models, batch([0, 1]).but(student_inputs=torch.zeros(2, 4)), FACTS)
