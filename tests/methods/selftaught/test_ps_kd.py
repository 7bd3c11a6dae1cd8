"""The past: the formula before and after a sample was seen, the growing share, and who it belongs to."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, softmax
from workbench.methods.selftaught.ps_kd import PSKD
from workbench.records.batch import Batch
from workbench.records.plan import Facts

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1], [0.4, 0.4, -0.2]])
BEFORE = [[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]]
LABELS, IDS = [0, -1, 2, -1], [7, 42, 3, 99]
PLAN = (("distill", "student", None, 1.0),)


def built(progress, **parameters):
    method = PSKD(**parameters)
    method.build(nn.Linear(2, 3), None, batch([0, 1]), FACTS)
    method = method.double()
    method.schedule(progress)
    return method


def when_seen(**parameters):
    """In the fifth of ten epochs; the first three samples were seen before, in another order."""
    method, turned = built(0.45, **parameters), [2, 0, 1]
    ids = batch([LABELS[b] for b in turned], [IDS[b] for b in turned])
    method(trace([BEFORE[b] for b in turned]), None, ids)
    method.after_step(None, ids)
    return method


def formula(seen, share):
    def terms(student, constants):
        labels, past = [], []
        for b, (s, y) in enumerate(zip(student["logits"], LABELS, strict=True)):
            labels.append((1 - share) * cross_entropy(s, y))
            target = softmax(BEFORE[b]) if seen and b < 3 else [float(k == y) for k in range(3)]
            past.append(-share * sum(p * math.log(q) for p, q in zip(target, softmax(s), strict=True)))
        return {"labels": labels, "past": past}

    return terms


ORACLES = [
    Case("never seen", lambda **p: built(0.0, **p), STUDENT, None, batch(LABELS, IDS), formula(False, 0.08), PLAN),
    Case("seen before", when_seen, STUDENT, None, batch(LABELS, IDS), formula(True, 0.4), PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_share_steps_up_with_every_epoch_and_ends_at_its_final_value():
    method = built(0.0)
    shares = []
    for step in range(1000):
        method.schedule(step / 1000)
        shares.append(method.final_share * method._epoch_share)
    assert shares[0::100] == pytest.approx([0.08 * e for e in range(1, 11)])
    assert shares[99::100] == pytest.approx([0.08 * e for e in range(1, 11)])


def test_the_bank_is_addressed_by_ids_and_refuses_more_than_it_holds():
    method = when_seen()
    answers, known = method.bank.recall(torch.tensor([42, 99]))
    assert known.tolist() == [True, False]
    torch.testing.assert_close(answers[0], torch.tensor(softmax(BEFORE[1]), dtype=torch.float64))
    with pytest.raises(ValueError, match="holds 6 samples and sees 9 more"):
        method.bank.keep(torch.arange(200, 209), torch.zeros(9, 3))
    with pytest.raises(ValueError, match=r"the memory bank.s rows of 1,000,000,000 x 100 numbers take"):
        PSKD().build(nn.Linear(2, 3), None, Batch(torch.arange(2), torch.zeros(2, 2)), Facts(10**9, 100, 10, 1))
