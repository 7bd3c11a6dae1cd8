"""Dense guidance: the formula with one voice and with some silent, the cascade, and who is heard."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.contracts.probes.world import run, setting
from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.ensembles.densely_guided import DenselyGuided
from workbench.models.mlp import MLP

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
VOICES = (
    trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]]),
    trace([[0.4, 0.9, -0.6], [2.0, -0.3, 0.2], [0.1, 0.2, -1.4]]),
    trace([[1.0, 0.2, 0.6], [0.0, -0.9, 1.2], [1.1, 0.7, -0.4]]),
)
LABELS = [0, 2, -1]
PLAN = (
    ("assistant_1", "assistant_1", "teacher", 1.0),
    ("assistant_2", "assistant_2", ("teacher", "assistant_1"), 1.0),
    ("assistant_3", "assistant_3", ("teacher", "assistant_1", "assistant_2"), 1.0),
    ("student", "student", ("teacher", "assistant_1", "assistant_2", "assistant_3"), 1.0),
)


def terms(student, heard):
    return {
        "labels": [0.1 * cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)],
        "soft": [
            0.9 * 25 * sum(kl(softmax(voice["logits"][b], 5), softmax(s, 5)) for voice in heard)
            for b, s in enumerate(student["logits"])
        ],
    }


def two_of_three(student, constants):
    order = torch.randperm(3, generator=torch.Generator().manual_seed(0)).tolist()
    return terms(student, [constants.teacher[k] for k in order[:2]])


def one_voice(student, constants):
    return terms(student, [constants.teacher])


ORACLES = [
    Case("one teacher", DenselyGuided, STUDENT, VOICES[0], batch(LABELS), one_voice, PLAN),
    Case("three teachers, one of them silent", DenselyGuided, STUDENT, VOICES, batch(LABELS), two_of_three, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_in_many_steps_everyone_is_heard_equally_often():
    method, sums = DenselyGuided(silent=2), []
    alone = [DenselyGuided()(STUDENT, voice, batch(LABELS))["soft"].sum().item() for voice in VOICES]
    for _ in range(600):
        sums.append(method(STUDENT, VOICES, batch(LABELS))["soft"].sum().item())
        method.after_step(nn.Identity(), batch(LABELS))
    heard = [sum(abs(total - own) < 1e-9 for total in sums) for own in alone]
    assert sum(heard) == 600
    assert all(150 < count < 250 for count in heard)


def test_with_nobody_silent_all_are_heard():
    together = DenselyGuided(silent=0)(STUDENT, VOICES, batch(LABELS))["soft"]
    alone = [DenselyGuided()(STUDENT, voice, batch(LABELS))["soft"] for voice in VOICES]
    torch.testing.assert_close(together, sum(alone))


def test_assistants_shrink_from_the_teacher_to_the_student():
    method = DenselyGuided(assistants=2)
    inputs = batch([0, 1]).but(student_inputs=torch.zeros(2, 4))
    method.build(MLP(4, (8,), 3), MLP(4, (128,), 3), inputs, FACTS)
    widths = [plan.factory()[1][0].out_features for plan in method.stages(FACTS)[:2]]
    assert widths == [32, 16]


def test_assistants_may_be_brought_along_and_all_of_them_teach():
    result = run(setting(), DenselyGuided().assisted_by(lambda: MLP(4, (12,), 3), lambda: MLP(4, (10,), 3)))
    assert set(result.scores) == {"teacher", "assistant_1", "assistant_2", "student"}
    assert result.facts["parameters"]["assistant_2"] == 4 * 10 + 10 + 33


def test_an_unknown_pair_is_refused():
    with pytest.raises(ValueError, match="no assistant is known between Linear and Linear"):
        DenselyGuided().build(nn.Linear(2, 3), nn.Linear(2, 3), batch([0, 1]), FACTS)
