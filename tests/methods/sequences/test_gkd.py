"""Generalised distillation: who writes, the divergence between both ends, and the jump at them."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, check
from tests.methods.literal import kl, softmax
from tests.methods.sequences.writers import (
    FACTS,
    GIVEN,
    LABELS,
    OWN,
    STUDENT,
    TEACHER,
    THEIRS,
    Bigram,
    generator_at,
    labels_of,
    own,
    watched,
    written,
)
from workbench.methods.sequences.gkd import GKD
from workbench.methods.sequences.reverse_kl import ReverseKL
from workbench.methods.sequences.word_level_kd import WordLevelKD

WRITES, READS = 0, 1  # seeds whose first number is 0.496 and 0.758
TEXTS = labels_of(written(own, generator_at(WRITES, before=1)))
VISIBLE = {"on_policy": 0.0}


def formula(labels):
    def at(student, constants):
        soft = []
        for s, t, ys in zip(student["logits"], constants.teacher["logits"], labels, strict=True):
            found = []
            for k in range(5):
                q, p = softmax(s[k]), softmax(t[k])
                middle = [0.5 * a + 0.5 * b for a, b in zip(p, q, strict=True)]
                if ys[k] >= 0:
                    found.append(0.5 * kl(p, middle) + 0.5 * kl(q, middle))
            soft.append(sum(found) / len(found))
        return {"soft": soft}

    return at


ORACLES = [
    Case("the student writes", watched(GKD, WRITES, TEXTS), STUDENT, TEACHER, GIVEN, formula(TEXTS)),
    Case("the given texts", watched(GKD, READS, LABELS), STUDENT, TEACHER, GIVEN, formula(LABELS)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_two_cases_are_different_texts():
    assert TEXTS != LABELS


@pytest.mark.parametrize(("on_policy", "expected"), [(0.0, 0), (1.0, 40), (0.25, 10)])
def test_the_share_is_that_of_the_batches_the_student_writes(on_policy, expected):
    """The reference implementation's first version had it the other way round."""
    method = watched(GKD, 0, [])(on_policy=on_policy).method
    torch.manual_seed(3)
    wrote = sum("behaviour" in method.inputs(GIVEN, {"student": Bigram(OWN)}).extras for _ in range(40))
    assert abs(wrote - expected) <= (8 if 0 < on_policy < 1 else 0)


def test_the_mixture_is_one_of_probabilities_not_of_logarithms():
    """What the reference implementation's first version mixed; where student and teacher exclude each other it differs."""
    only_one, only_other = torch.tensor([[[0.0, -50.0]]]), torch.tensor([[[-50.0, 0.0]]])
    torch.testing.assert_close(GKD().divergence(only_one, only_other), torch.tensor([[2.0]]).log())


def test_the_ends_are_the_divergences_that_the_inside_tends_to_only_in_its_gradient():
    student, teacher = STUDENT.logits, TEACHER.logits
    for beta, small, end in ((0.0, 1e-6, WordLevelKD()), (1.0, 1 - 1e-6, ReverseKL())):
        whole = end.divergence(student, teacher)
        torch.testing.assert_close(GKD(beta=beta).divergence(student, teacher), whole)
        inside = GKD(beta=small).divergence(student, teacher)
        assert inside.max() < 1e-4
        torch.testing.assert_close(inside / 1e-6, whole, rtol=1e-3, atol=1e-3)


def test_what_cannot_be_written():
    method = GKD()
    with pytest.raises(ValueError, match=r"gkd lets texts be written, but the batch has no prompts.*tiny_lm"):
        method.inputs(GIVEN.but(extras={"texts": []}), {"student": Bigram(OWN)})
    with pytest.raises(ValueError, match="the teacher has inputs of its own"):
        method.inputs(GIVEN.but(teacher_inputs=GIVEN.student_inputs), {"student": Bigram(OWN)})


def test_the_teacher_is_held_but_neither_saved_nor_trained():
    method = GKD()
    method.build(Bigram(OWN), Bigram(THEIRS), GIVEN, FACTS)
    assert list(method.parameters()) == list(method.state_dict()) == list(method.children()) == []
