"""Sequence-level distillation: the teacher's likeliest words are learnt, written once and kept by sample."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, check
from tests.methods.literal import cross_entropy
from tests.methods.sequences.writers import (
    END,
    FACTS,
    GIVEN,
    OWN,
    STUDENT,
    TEACHER,
    THEIRS,
    Bigram,
    labels_of,
    watched,
    written,
)
from workbench.methods.sequences.sequence_level_kd import SequenceLevelKD, TextBank


def favourite(token):
    best = max(range(4), key=lambda other: THEIRS[token][other])
    return [float(other == best) for other in range(4)]


TEXTS = labels_of(written(favourite, torch.Generator()))


def formula(student, constants):
    losses = []
    for s, ys in zip(student["logits"], TEXTS, strict=True):
        found = [cross_entropy(s[k], ys[k]) for k in range(5) if ys[k] >= 0]
        losses.append(sum(found) / len(found))
    return {"sequence": losses}


ORACLES = [Case("the teacher's texts", watched(SequenceLevelKD, 0, TEXTS), STUDENT, TEACHER, GIVEN, formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


class Counting(Bigram):
    """A teacher that counts how many texts it was asked for."""

    asked = 0

    def forward(self, input_ids, attention_mask):
        self.asked += len(input_ids)
        return super().forward(input_ids, attention_mask)


def test_the_teacher_writes_each_text_once_and_another_run_goes_on_with_them():
    teacher, method, other = Counting(THEIRS), SequenceLevelKD(), SequenceLevelKD()
    for made in (method, other):
        made.build(Bigram(OWN), teacher, GIVEN, FACTS)
    first = method.inputs(GIVEN, {})
    wrote = teacher.asked
    assert wrote > 0
    assert method.inputs(GIVEN, {}).labels.equal(first.labels)
    other.load_state_dict(method.state_dict())
    again = other.inputs(GIVEN, {})
    assert teacher.asked == wrote
    assert again.labels.equal(first.labels)
    assert again.student_inputs["input_ids"].equal(first.student_inputs["input_ids"])


def test_a_bank_grows_with_its_longest_text_and_keeps_the_others():
    bank = TextBank(3)
    bank.keep(torch.tensor([7]), torch.tensor([[1, 2]]), torch.tensor([[True, True]]))
    longer = torch.tensor([[4, 5, 6, END]])
    bank.keep(torch.tensor([9]), longer, torch.ones(1, 4, dtype=torch.bool))
    bank.keep(torch.tensor([8]), torch.tensor([[2, 0, 0]]), torch.tensor([[True, False, False]]))
    assert bank.missing(torch.tensor([7, 6, 9])).tolist() == [False, True, False]
    tokens, mask = bank.recall(torch.tensor([9, 7, 8]))
    assert tokens.tolist() == [[4, 5, 6, END], [1, 2, 0, 0], [2, 0, 0, 0]]
    assert mask.sum(1).tolist() == [4, 2, 1]
    assert bank.recall(torch.tensor([7, 8]))[0].tolist() == [[1, 2], [2, 0]]
    with pytest.raises(ValueError, match="the memory bank holds 3 samples and sees 1 more"):
        bank.keep(torch.tensor([6]), longer, torch.ones(1, 4, dtype=torch.bool))
