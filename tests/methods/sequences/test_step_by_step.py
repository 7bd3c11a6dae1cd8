"""Reasons beside answers: two tasks on one prompt, told apart by their first token."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.methods.case import Case, check, trace
from tests.methods.literal import cross_entropy
from tests.methods.sequences.writers import FACTS, GIVEN, rows
from workbench.methods.sequences.step_by_step import StepByStep

REASONS = [[0, 2, 2, 3], [1, 2, 1, 3]]
GOALS = [[2, 2, 3, -1], [-1, 1, 3, -1]]
LABELS = [[1, 2, 3, -1, -1], [-1] * 5]  # the second text has a rationale, but no label
GROUP = {**rows(4, REASONS, left=False), "labels": torch.tensor(GOALS)}
BATCH = GIVEN.but(labels=torch.tensor(LABELS), extras={**GIVEN.extras, "rationales": GROUP})
READ = [[0, 1, 2, 3, 0], [1, 2, 0, 1, 3], [3, 2, 2, 3, 0], [3, 2, 1, 3, 0]]
REAL = [[1, 1, 1, 1, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 0], [1, 1, 1, 1, 0]]

STUDENT = trace(
    [
        [[0.1, 0.2, -0.4, 0.3], [0.3, -1.2, 0.8, 0.0], [1.5, 0.2, -0.7, -0.3], [-0.4, 0.9, 0.1, 0.6], [0.2, 0.7, -0.5, 0.1]],
        [[-0.1, 0.5, 0.4, -0.3], [0.0, 0.5, -0.9, 0.2], [2.0, -0.3, 0.4, -0.8], [1.1, 1.4, -1.6, 0.3], [0.5, -0.6, 0.8, 0.0]],
        [[0.4, -0.2, 0.6, 0.1], [-0.5, 0.4, 1.1, 0.6], [0.1, 1.7, -1.1, 0.2], [1.2, -1.0, 0.3, 0.9], [0.8, 0.1, 0.0, -0.7]],
        [[0.3, 0.1, -0.2, 0.5], [1.9, -0.6, 0.2, 0.7], [-0.2, 0.8, 0.5, 0.1], [0.6, 1.4, -0.1, -0.9], [-0.3, 0.9, 0.2, 0.4]],
    ]
)  # fmt: skip


class Read:
    """The method, after it was seen that the student reads what it should."""

    def __init__(self, method):
        self.method, self.stages = method, method.stages

    def __call__(self, student, teacher, batch):
        batch = self.method.inputs(batch, {})
        assert batch.student_inputs["input_ids"].tolist() == READ
        assert batch.student_inputs["attention_mask"].int().tolist() == REAL
        return self.method(student, teacher, batch)


def make(**parameters):
    method = StepByStep(**parameters)
    method.build(nn.Identity(), None, BATCH, FACTS)
    return Read(method)


def mean(logits, goals):
    found = [cross_entropy(z, y) for z, y in zip(logits, goals, strict=False) if y >= 0]
    return sum(found) / max(len(found), 1)


def formula(student, constants):
    logits = student["logits"]
    return {
        "labels": [mean(logits[0], LABELS[0]), mean(logits[1], LABELS[1])],
        "rationale": [1.0 * mean(logits[2], GOALS[0]), 1.0 * mean(logits[3], GOALS[1])],
    }


ORACLES = [Case("both tasks", make, STUDENT, None, BATCH, formula, (("distill", "student", None, 1.0),))]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_a_long_rationale_beside_a_short_text():
    """Whichever is wider decides; what is filled in is neither read nor learnt."""
    short = {name: part[:, :3] for name, part in GIVEN.student_inputs.items()}
    batch = BATCH.but(student_inputs=short, labels=BATCH.labels[:, :3])
    method = make().method
    seen = method.inputs(batch, {})
    assert seen.student_inputs["input_ids"].tolist() == [[0, 1, 2, 0], [1, 2, 0, 0], READ[2][:4], READ[3][:4]]
    assert not seen.student_inputs["attention_mask"][:2, 3].any()
    terms = method(trace([[row[k] for k in range(4)] for row in STUDENT.logits.tolist()]), None, seen)
    assert terms["labels"].tolist() == pytest.approx([mean(STUDENT.logits[0].tolist(), LABELS[0]), 0.0])


def test_data_without_rationales_are_refused():
    with pytest.raises(ValueError, match=r"step_by_step needs rationales.*has only \['prompts'\].*tiny_lm"):
        StepByStep().inputs(GIVEN, {})
