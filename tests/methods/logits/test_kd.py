"""Soft targets: the formula, its split into target and rest, its limit at high temperature, what it does not see."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.maths.decoupling import decoupled_kl
from workbench.maths.divergences import forward_kl
from workbench.methods.logits.kd import KD
from workbench.methods.transforms import Standardize
from workbench.records.batch import Batch
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1], [2.0, -0.3, 0.5]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2], [0.6, 0.2, -0.9]])
LABELS = [0, 1, 2, -1]


def formula(student, constants):
    pairs = zip(student["logits"], constants.teacher["logits"], LABELS, strict=True)
    rows = [(s, t, y) for s, t, y in pairs]
    return {
        "labels": [0.1 * cross_entropy(s, y) for s, _, y in rows],
        "soft": [0.9 * 16 * kl(softmax(t, 4), softmax(s, 4)) for s, t, _ in rows],
    }


ORACLES = [Case("four samples", KD, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_divergence_is_the_target_part_and_the_rest_weighted_with_what_the_teacher_leaves_them():
    targets = torch.tensor([0, 1, 2, 1])
    binary, others = decoupled_kl(STUDENT.logits, TEACHER.logits, targets, 4.0)
    own = torch.softmax(TEACHER.logits / 4, 1).gather(1, targets[:, None]).squeeze(1)
    torch.testing.assert_close(forward_kl(STUDENT.logits, TEACHER.logits, 4.0), binary + (1 - own) * others)


def test_at_a_high_temperature_it_compares_centred_logits():
    kd = KD(soft_weight=1.0)
    kd.temperature = 1000.0  # beyond what its constructor takes: a limit
    soft = kd(STUDENT, TEACHER, batch(LABELS))["soft"]
    gap = (STUDENT.logits - STUDENT.logits.mean(1, keepdim=True)) - (
        TEACHER.logits - TEACHER.logits.mean(1, keepdim=True)
    )
    torch.testing.assert_close(soft, gap.square().sum(1) / (2 * 3), rtol=2e-3, atol=0)


def test_adding_a_number_to_all_logits_of_a_side_changes_nothing():
    shifted = KD()(Trace(STUDENT.logits + 7.0), Trace(TEACHER.logits - 3.0), batch(LABELS))
    torch.testing.assert_close(shifted, KD()(STUDENT, TEACHER, batch(LABELS)))


def test_a_fitted_student_gets_the_mixture_whose_cross_entropy_is_the_loss():
    targets, weights = KD(temperature=1.0, soft_weight=0.6, label_weight=0.2).targets(TEACHER, batch(LABELS))
    soft = torch.softmax(TEACHER.logits, 1)
    torch.testing.assert_close(weights, torch.tensor([0.8, 0.8, 0.8, 0.6], dtype=torch.float64))
    torch.testing.assert_close(targets[3], soft[3])
    torch.testing.assert_close(targets[0] * 0.8, 0.6 * soft[0] + 0.2 * torch.eye(3, dtype=torch.float64)[0])
    unlabelled = Batch(torch.arange(4), torch.zeros(4, 1))
    torch.testing.assert_close(KD(temperature=1.0).targets(TEACHER, unlabelled)[0], soft)


def test_a_transform_acts_on_both_sides_and_is_part_of_the_configuration():
    method = KD().through(Standardize())
    plain, scaled = (method(Trace(STUDENT.logits * f + f), TEACHER, batch(LABELS))["soft"] for f in (1.0, 5.0))
    torch.testing.assert_close(plain, scaled)
    assert method.config()["transform"] == "standardize"
    assert "transform" not in KD().config()
    method.change("transform", None)
    torch.testing.assert_close(method(STUDENT, TEACHER, batch(LABELS)), KD()(STUDENT, TEACHER, batch(LABELS)))
    with pytest.raises(KeyError, match="no logit transform 'cube'; there are: standardize"):
        method.change("transform", "cube")
