"""Speculative distillation: what is proposed, what is replaced, and the divergence on it."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from tests.methods.case import Case, check
from tests.methods.literal import kl, softmax
from tests.methods.sequences.writers import (
    GIVEN,
    OWN,
    STUDENT,
    TEACHER,
    THEIRS,
    Bigram,
    generator_at,
    labels_of,
    nucleus,
    own,
    theirs,
    watched,
    written,
)
from workbench.maths.behaviours import interleaved
from workbench.methods.sequences.speculative_kd import SpeculativeKD

SEED = 4
VISIBLE = {"likely": 1, "student_temperature": 2.0, "teacher_temperature": 2.0, "top_p": 1.0}


def together(likely, student_temperature=0.5, teacher_temperature=0.2, top_p=0.5):
    """The chance of each token to be proposed and accepted, or to replace what is not."""

    def next_tokens(token):
        proposed = nucleus(own(token, student_temperature), top_p)
        replacing = nucleus(theirs(token, teacher_temperature), top_p)
        accepted = sorted(range(4), key=lambda other: -THEIRS[token][other])[:likely]
        refused = sum(share for other, share in enumerate(proposed) if other not in accepted)
        return [proposed[k] * (k in accepted) + refused * replacing[k] for k in range(4)]

    return next_tokens


def texts(likely):
    return labels_of(written(together(likely), generator_at(SEED)))


def formula(labels):
    def at(student, constants):
        soft = []
        for s, t, ys in zip(student["logits"], constants.teacher["logits"], labels, strict=True):
            found = [kl(softmax(t[k]), softmax(s[k])) for k in range(5) if ys[k] >= 0]
            soft.append(sum(found) / len(found))
        return {"soft": soft}

    return at


def strict(**parameters):
    """Only two tokens are accepted, so that the temperature of the replacements shows."""
    return watched(SpeculativeKD, SEED, texts(2))(**({"likely": 2} | parameters))


ORACLES = [
    Case("all are accepted", watched(SpeculativeKD, SEED, texts(4)), STUDENT, TEACHER, GIVEN, formula(texts(4))),
    Case("two are accepted", strict, STUDENT, TEACHER, GIVEN, formula(texts(2))),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_proposing_and_replacing_happen_as_often_as_the_shares_say():
    """20,000 proposals are drawn, judged and replaced; each token within four standard errors."""
    torch.manual_seed(0)
    q, p = torch.tensor(own(0)), torch.tensor(theirs(0))
    proposed, replacing = (x.multinomial(20_000, replacement=True) for x in (q, p))
    likeliest = p.topk(2).indices
    tokens = torch.where(torch.isin(proposed, likeliest), proposed, replacing)
    shares = interleaved(q[None], p[None], likeliest[None])[0]
    torch.testing.assert_close(shares.sum(), torch.tensor(1.0))
    errors = (shares * (1 - shares) / 20_000).sqrt()
    assert ((tokens.bincount(minlength=4) / 20_000 - shares).abs() <= 4 * errors).all()


def test_a_teacher_that_accepts_only_its_favourite_writes_alone():
    greedy = watched(SpeculativeKD, SEED, [])(likely=1, teacher_temperature=0.1, top_p=0.1)
    labels = greedy.seen(GIVEN).labels
    for row, before in zip(labels.tolist(), (0, 2), strict=True):
        text = [before, *(token for token in row if token >= 0)]
        for last, token in pairwise(text):
            assert token == THEIRS[last].index(max(THEIRS[last]))


def test_two_vocabularies_are_refused():
    method = watched(SpeculativeKD, 0, [])().method
    wide = Bigram([[*row, 0.0] for row in OWN])
    with pytest.raises(ValueError, match="the student's vocabulary has 5 entries, the teacher's 4"):
        method.inputs(GIVEN, {"student": wide})
