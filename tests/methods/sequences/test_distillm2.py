"""Texts of both sides with a divergence each: the formula with and without its curricula, and who writes what."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.methods.case import Case, check, trace
from tests.methods.literal import kl, softmax
from tests.methods.sequences.board import FACTS, built
from workbench.methods.catalog import make
from workbench.methods.sequences.distillm2 import DistiLLM2, FirstGaps
from workbench.records.batch import Batch

STUDENT = trace(
    [
        [[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]],
        [[0.0, 0.5, -0.9], [2.0, -0.3, 0.4], [1.1, 1.4, -1.6]],
    ]
)
TEACHER = trace(
    [
        [[-0.5, 0.4, 2.1], [0.1, 1.7, -1.1], [2.2, -1.0, 0.3]],
        [[1.9, -0.6, 0.2], [-0.2, 0.8, 0.5], [0.6, 2.4, -0.1]],
    ]
)
FARTHER = 1.05 * STUDENT.logits - torch.tensor([0.05, 0.0])[:, None, None] * TEACHER.logits
BEFORE = trace(FARTHER.tolist())  # both texts are a little likelier to their writer than to the other side
LABELS = [[2, 1, -1], [-1, 0, 1]]  # the teacher has written the first, the student the second
BATCH = Batch(
    torch.arange(2),
    torch.zeros(2, 1),
    torch.tensor(LABELS),
    mask=torch.tensor(LABELS) >= 0,
    extras={"by_teacher": torch.tensor([True, False])},
)


def likelihood(rows, labels):
    logs = [math.log(softmax(row)[label]) for row, label in zip(rows, labels, strict=True) if label >= 0]
    return math.exp(sum(logs) / len(logs))


def gaps(student, teacher):
    """Of the teacher's text, then of the student's."""
    mine, theirs = ([likelihood(x[b], LABELS[b]) for b in range(2)] for x in (student, teacher))
    return theirs[0] - mine[0], mine[1] - theirs[1]


def formula(skews, beta):
    def at(student, constants):
        s, t, held = student["logits"], constants.teacher["logits"], constants.student["logits"]
        shares, forward, reverse = skews(held, t), [], []
        for k in range(3):
            q, p = softmax(s[0][k]), softmax(t[0][k])
            if LABELS[0][k] >= 0:
                forward.append(kl(p, [shares[0] * x + (1 - shares[0]) * y for x, y in zip(p, q, strict=True)]))
            q, p, kept = softmax(s[1][k]), softmax(t[1][k]), softmax(held[1][k])
            if LABELS[1][k] >= 0:
                reverse.append(kl(q, [shares[1] * x + (1 - shares[1]) * y for x, y in zip(kept, p, strict=True)]))
        return {"teacher_texts": [(2 - beta) * sum(forward) / 2, 0.0], "student_texts": [0.0, beta * sum(reverse) / 2]}

    return at


def adapted(student, teacher):
    first, now = gaps(BEFORE.logits.numpy(), teacher), gaps(student, teacher)
    found = [1 - (1 - 0.1) * a / (b + 1e-5) for a, b in zip(first, now, strict=True)]
    assert all(0.01 < a < 0.1 for a in found), "neither bound hides the formula"
    return found


def at_progress(progress, **given):
    """After one step at the beginning of the run."""

    def make(**changes):
        method = built(DistiLLM2, **given)(**changes)
        method.schedule(0.05)
        method(BEFORE, TEACHER, BATCH)
        method.after_step(None, BATCH)
        method.schedule(progress)
        return method

    return make


ORACLES = [
    Case("at the beginning", at_progress(0.05), STUDENT, TEACHER, BATCH, formula(lambda s, t: (0.1, 0.1), 1.05)),
    Case("on the way", at_progress(0.3), STUDENT, TEACHER, BATCH, formula(adapted, 1.3)),
    Case("in the end", at_progress(0.9), STUDENT, TEACHER, BATCH, formula(adapted, 1.5)),
    Case(
        "without curricula",
        at_progress(0.9, curriculum=False),
        STUDENT,
        TEACHER,
        BATCH,
        formula(lambda s, t: (0.1, 0.1), 1.0),
    ),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_skews_stay_between_their_bounds():
    """A text that has come much nearer gets the least, one that is farther than at the beginning the most."""
    first, writer = FirstGaps(), torch.tensor([0, 0, 1])
    first.observe(torch.tensor([0.3, 0.5, -0.2]), writer)
    assert first.skews(torch.tensor([0.2, 0.8, 0.1]), writer, 0.1).tolist() == pytest.approx([0.01, 0.1, 0.1])


class Parrot(nn.Module):
    """Says one word, whatever it has heard."""

    def __init__(self, word: int, words: int = 4) -> None:
        super().__init__()
        self.logits = nn.Parameter(60.0 * torch.eye(words)[word])

    def forward(self, input_ids, attention_mask):
        return self.logits.expand(*input_ids.shape, -1)


def prompts(rows):
    mask = torch.ones(rows, 2, dtype=torch.bool)
    inputs = {"input_ids": torch.zeros(rows, 5, dtype=torch.int64), "attention_mask": torch.ones(rows, 5).bool()}
    begun = {"input_ids": torch.full((rows, 2), 3), "attention_mask": mask}
    return Batch(torch.arange(rows).flip(0), inputs, mask=inputs["attention_mask"], extras={"prompts": begun})


def writing(teacher):
    method = DistiLLM2()
    method.build(Parrot(2), teacher, prompts(2), FACTS)
    return method


def test_half_of_the_prompts_go_on_with_the_teachers_text_and_half_with_the_students():
    torch.manual_seed(0)
    seen = [writing(Parrot(1)).inputs(prompts(8), {"student": Parrot(2)}) for _ in range(2)]
    for batch in seen:
        by_teacher = batch.extras["by_teacher"]
        assert by_teacher.sum() == 4
        for row, theirs in zip(batch.student_inputs["input_ids"].tolist(), by_teacher.tolist(), strict=True):
            assert row == [3, 3, *[1 if theirs else 2] * 5]
        assert (batch.mask == (batch.labels >= 0)).all()
        assert batch.mask.sum(1).tolist() == [5] * 8
    assert seen[0].extras["by_teacher"].tolist() != seen[1].extras["by_teacher"].tolist()


def test_sides_that_do_not_share_a_vocabulary_cannot_write_together():
    with pytest.raises(ValueError, match="vocabulary has 4 entries, the teacher's 5"):
        writing(Parrot(1, 5)).inputs(prompts(2), {"student": Parrot(2)})


def test_it_needs_prompts():
    bare = Batch(torch.arange(2), {"input_ids": torch.zeros(2, 3), "attention_mask": torch.ones(2, 3)})
    with pytest.raises(ValueError, match=r"distillm2 lets texts be written, but the batch has no prompts"):
        make("distillm2").inputs(bare, {"student": Parrot(2)})
