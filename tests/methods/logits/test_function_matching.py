"""Function matching: the formula through the blend, which is the same for both models, and what cannot be blended."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Beta

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import kl, softmax
from workbench.methods.logits.function_matching import FunctionMatching
from workbench.methods.logits.kd import KD
from workbench.records.batch import Batch
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = [0, -1, 2]
SEED = 5


class Mirrors:
    """The method and two models that give their inputs back, so that logits are blended as inputs are."""

    def __init__(self, **parameters):
        self.method = FunctionMatching(**parameters)
        self.stages = self.method.stages

    def __call__(self, student, teacher, batch):
        with torch.random.fork_rng():
            torch.manual_seed(SEED)
            seen = self.method.inputs(batch.but(student_inputs=student.logits, teacher_inputs=teacher.logits), {})
        return self.method(Trace(seen.student_inputs), Trace(seen.teacher_inputs), seen)


def drawn():
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        return float(Beta(1.0, 1.0).sample())


def formula(student, constants):
    own = max(drawn(), 1 - drawn())

    def blended(rows, b):
        return [own * x + (1 - own) * y for x, y in zip(rows[b], rows[b - 1], strict=True)]

    pairs = [(blended(student["logits"], b), blended(constants.teacher["logits"], b)) for b in range(3)]
    return {"soft": [kl(softmax(t), softmax(s)) for s, t in pairs]}


ORACLES = [Case("blended", Mirrors, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_both_models_see_the_very_same_view():
    images = torch.rand(6, 1, 4, 4)
    one = Batch(torch.arange(6), images, teacher_inputs=images.clone())
    seen = FunctionMatching().inputs(one, {})
    torch.testing.assert_close(seen.student_inputs, seen.teacher_inputs, rtol=0, atol=0)
    assert FunctionMatching().inputs(one.but(teacher_inputs=None), {}).teacher_inputs is None
    assert not torch.equal(seen.student_inputs, images)


def test_a_sample_keeps_at_least_half_of_itself_and_the_share_is_even_above():
    eye = Batch(torch.arange(2), torch.eye(2))
    shares = torch.stack([FunctionMatching().inputs(eye, {}).student_inputs[0, 0] for _ in range(2000)])
    assert shares.min() >= 0.5
    assert abs(shares.mean() - 0.75) < 0.02
    assert abs((shares < 0.6).float().mean() - 0.2) < 0.04


def test_without_mixup_it_is_kd_without_labels():
    one = batch(LABELS)
    assert FunctionMatching(mixup=0.0).inputs(one, {}) is one
    soft = FunctionMatching(temperature=4.0)(STUDENT, TEACHER, one)
    torch.testing.assert_close(soft["soft"], KD(4.0, 1.0)(STUDENT, TEACHER, one)["soft"])
    assert list(soft) == ["soft"]


@pytest.mark.parametrize(
    ("inputs", "kind"), [(torch.zeros(2, 3, dtype=torch.int64), "torch.int64"), ((torch.zeros(2, 3),), "tuple")]
)
def test_inputs_that_cannot_be_blended_are_refused(inputs, kind):
    with pytest.raises(TypeError, match=f"inputs are {kind} and cannot be blended; .* or set mixup=0"):
        FunctionMatching().inputs(Batch(torch.arange(2), inputs), {})
