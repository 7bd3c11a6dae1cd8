"""The contrast: the formula before and after the bank has moved, the negatives, and the size of the bank."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, length
from workbench.methods.features.crd import CRD
from workbench.methods.parts.bank import MemoryBank
from workbench.records.batch import Batch

IDS, LABELS = [40, 7, 19, 3], [0, 1, 0, -1]
LATER = [7, 55, 3], [1, 2, -1]
VISIBLE = {"negatives": 1}  # fewer than the other classes have

torch.manual_seed(1)
FIRST = trace(torch.randn(4, 3).tolist(), **{"1:input": torch.randn(4, 3).tolist()})
FIRST_TEACHER = trace(torch.randn(4, 3).tolist(), **{"1:input": torch.randn(4, 3).tolist()})
SECOND = trace(torch.randn(3, 3).tolist(), **{"1:input": torch.randn(3, 3).tolist()})
SECOND_TEACHER = trace(torch.randn(3, 3).tolist(), **{"1:input": torch.randn(3, 3).tolist()})


def make(**parameters):
    torch.manual_seed(2)
    student, teacher = (nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3)) for _ in range(2))
    method = CRD(**parameters)
    method.build(student, teacher, Batch(torch.arange(2), torch.ones(2, 4), torch.tensor([0, 1])), FACTS)
    return method.double()


def make_after_a_step(**parameters):
    method = make(**parameters)
    first = batch(LABELS, IDS)
    method(FIRST, FIRST_TEACHER, first)
    method.after_step(nn.Identity(), first)
    return method


DRAWN = make()
PROJECTIONS = [
    (p.weight.detach().numpy(), p.bias.detach().numpy()) for p in (DRAWN.student_projection, DRAWN.teacher_projection)
]


class Board:
    """The paper's quantities in plain numbers, from the projections and the bank as they were drawn."""

    def __init__(self):
        self.student_bank, self.teacher_bank = DRAWN.bank.student.numpy().copy(), DRAWN.bank.teacher.numpy().copy()
        self.classes = {}
        self.row = {}

    def meet(self, ids, labels):
        """Samples get rows in the order of their ids, batch by batch."""
        for sample in sorted(set(ids) - set(self.row)):
            self.row[sample] = len(self.row)
        self.classes |= dict(zip(ids, labels, strict=True))

    def vector(self, side, features):
        weight, bias = PROJECTIONS[side]
        vector = np.array([np.dot(w, features) + b for w, b in zip(weight, bias, strict=True)])
        return vector / np.sqrt(np.dot(vector, vector))

    def negatives(self, sample):
        label = self.classes[sample]
        return [other for other, c in self.classes.items() if other != sample and (label == -1 or c != label)]

    def scores(self, side, features, ids):
        """Of each sample with itself first, then with its negatives: the exponentials of the scores."""
        bank = self.teacher_bank if side == 0 else self.student_bank
        vectors = [self.vector(side, f) for f in features]
        return [
            [math.exp(np.dot(v, bank[self.row[other]]) / 0.07) for other in (sample, *self.negatives(sample))]
            for v, sample in zip(vectors, ids, strict=True)
        ]

    def normaliser(self, scores):
        everything = [x for row in scores for x in row]
        return 6 * sum(everything) / len(everything)

    def move(self, student, teacher, ids):
        for side, (bank, features) in enumerate(((self.student_bank, student), (self.teacher_bank, teacher))):
            for f, sample in zip(features, ids, strict=True):
                old, new = bank[self.row[sample]], self.vector(side, f)
                mixed = 0.5 * old + 0.5 * new
                bank[self.row[sample]] = mixed / np.sqrt(np.dot(mixed, mixed))


def contrasts(scores, normaliser):
    losses = []
    for row in scores:
        count = len(row) - 1
        noise = count / 6
        p = [x / normaliser for x in row]
        loss = -math.log(p[0] / (p[0] + noise + 1e-7))
        loss -= sum(math.log(noise / (x + noise + 1e-7)) for x in p[1:])
        losses.append(0.8 * loss)
    return losses


def first_step(student, constants):
    board = Board()
    board.meet(IDS, LABELS)
    sides = (student["1:input"], constants.teacher["1:input"])
    before = (constants.student["1:input"], constants.teacher["1:input"])
    normalisers = [board.normaliser(board.scores(side, features, IDS)) for side, features in enumerate(before)]
    found = [contrasts(board.scores(side, sides[side], IDS), normalisers[side]) for side in (0, 1)]
    labels = [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
    return {"labels": labels, "student_contrast": found[0], "teacher_contrast": found[1]}


def second_step(student, constants):
    board = Board()
    board.meet(IDS, LABELS)
    earlier = FIRST["1:input"].tolist(), FIRST_TEACHER["1:input"].tolist()
    normalisers = [board.normaliser(board.scores(side, features, IDS)) for side, features in enumerate(earlier)]
    board.move(*earlier, IDS)
    ids, classes = LATER
    board.meet(ids, classes)
    sides = (student["1:input"], constants.teacher["1:input"])
    found = [contrasts(board.scores(side, sides[side], ids), normalisers[side]) for side in (0, 1)]
    labels = [cross_entropy(s, y) for s, y in zip(student["logits"], classes, strict=True)]
    return {"labels": labels, "student_contrast": found[0], "teacher_contrast": found[1]}


ORACLES = [
    Case("the first step", make, FIRST, FIRST_TEACHER, batch(LABELS, IDS), first_step),
    Case("a later step", make_after_a_step, SECOND, SECOND_TEACHER, batch(LATER[1], LATER[0]), second_step),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_what_a_sample_was_in_an_earlier_step_changes_the_loss_of_another():
    losses = []
    for sign in (1, -1):
        method = make()
        earlier = replace(FIRST_TEACHER, features={"1:input": sign * FIRST_TEACHER["1:input"]})
        method(FIRST, earlier, batch(LABELS, IDS))
        method.after_step(nn.Identity(), batch(LABELS, IDS))
        method.normalisers.fill_(1.0)
        losses.append(method(SECOND, SECOND_TEACHER, batch(LATER[1], LATER[0]))["student_contrast"][1])  # id 55 is new
    assert abs(losses[0] - losses[1]) > 1e-3


def test_without_momentum_the_bank_holds_what_was_seen_and_its_vectors_have_length_1():
    method = make(momentum=0.0)
    method(FIRST, FIRST_TEACHER, batch(LABELS, IDS))
    method.after_step(nn.Identity(), batch(LABELS, IDS))
    row = method.bank.rows(torch.tensor([19]), None)
    seen = nn.functional.normalize(method.student_projection(FIRST["1:input"][2:3]), dim=1)
    torch.testing.assert_close(method.bank.student[row], seen)
    assert length(method.bank.teacher[row][0].tolist()) == pytest.approx(1)


def test_negatives_are_of_other_classes_at_most_so_many_and_others_at_the_next_step():
    bank = MemoryBank(40, 2)
    rows = bank.rows(torch.arange(40), torch.arange(40) % 4)
    drawn = bank.negatives(rows, 5)
    assert drawn.sum(1).tolist() == [5] * 40
    assert not (drawn & (bank.labels == bank.labels[:, None])).any()
    torch.testing.assert_close(bank.negatives(rows, 5), drawn)
    bank.dice.advance()
    assert (bank.negatives(rows, 5) != drawn).any()
    assert bank.negatives(rows, 10**6).sum(1).tolist() == [30] * 40


def test_a_bank_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"1,000,000,000 x 128 x 2 numbers take 953\.7 GiB.*smaller width"):
        MemoryBank(10**9, 128)
    with pytest.raises(ValueError, match="a memory bank of 0 samples; it needs one or more"):
        MemoryBank(0, 128)
    bank = MemoryBank(2, 4)
    bank.rows(torch.tensor([5, 9]), None)
    with pytest.raises(ValueError, match="holds 2 samples and sees 1 more"):
        bank.rows(torch.tensor([5, 6]), None)


def test_a_batch_of_one_class_costs_nothing_but_its_labels():
    terms = make()(FIRST, FIRST_TEACHER, batch([1, 1, 1, 1], IDS))
    assert terms["student_contrast"].abs().max() < 1e-4
