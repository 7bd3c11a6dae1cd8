"""Word-level distillation, and what all token-wise methods share: who counts, who is refused."""

from __future__ import annotations

import math

import pytest
import torch

from tests.methods.case import check
from tests.methods.literal import kl, softmax
from tests.methods.sequences.board import BATCH, STUDENT, TEACHER, built, cases
from workbench.methods.catalog import catalog, family_of
from workbench.methods.logits.kd import KD
from workbench.methods.parts.tokenwise import TokenwiseMethod
from workbench.methods.sequences.word_level_kd import WordLevelKD
from workbench.records.batch import Batch
from workbench.records.trace import Trace


def forward(q, p):
    return kl(p, q)


ORACLES = cases(WordLevelKD, forward)
TOKENWISE = {
    key: cls for key, cls in catalog().items() if cls.__base__ is TokenwiseMethod and family_of(cls) == "sequences"
}
every_method = pytest.mark.parametrize("cls", TOKENWISE.values(), ids=TOKENWISE)
TWO_TOKENIZERS = BATCH.but(alignment=torch.zeros(3, 3, dtype=torch.int64), extras={"teacher_labels": BATCH.labels})


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_texts_of_one_token_are_samples_of_kd():
    student, teacher = Trace(STUDENT.logits[:, :1]), Trace(TEACHER.logits[:, :1])
    samples = KD(1.0, 1.0, 0.5)(Trace(STUDENT.logits[:, 0]), Trace(TEACHER.logits[:, 0]), _one([1, -1, 2]))
    texts = built(WordLevelKD, label_weight=0.5)()(student, teacher, _one([[1], [-1], [2]]))
    torch.testing.assert_close(texts, samples)


def _one(labels):
    return Batch(torch.arange(3), torch.zeros(3, 1), torch.tensor(labels))


@every_method
def test_it_is_a_divergence_0_from_the_teacher_itself_and_not_shifted_by_an_entropy(cls):
    """References leave the teacher's entropy out; their numbers are not comparable and never reach 0."""
    same = built(cls)()(TEACHER, TEACHER, BATCH)["soft"]
    torch.testing.assert_close(same, torch.zeros(3, dtype=torch.float64))
    assert (built(cls)()(STUDENT, TEACHER, BATCH)["soft"][:2] > 1e-3).all()


@every_method
def test_what_does_not_count_changes_nothing(cls):
    """Neither in value nor in gradient, whatever stands there."""
    noise = torch.where(BATCH.mask[..., None], 0.0, 7.0) * torch.tensor([1.0, -1.0, 3.0])
    logits = (STUDENT.logits + noise).requires_grad_()
    there = built(cls)()(Trace(logits), Trace(TEACHER.logits - 2 * noise), BATCH)["soft"]
    torch.testing.assert_close(there, built(cls)()(STUDENT, TEACHER, BATCH)["soft"])
    there.sum().backward()
    assert (logits.grad[~BATCH.mask] == 0).all()


@every_method
def test_without_a_mask_all_positions_count(cls):
    whole = BATCH.but(mask=torch.ones(3, 3, dtype=torch.bool))
    torch.testing.assert_close(
        built(cls)()(STUDENT, TEACHER, BATCH.but(mask=None)), built(cls)()(STUDENT, TEACHER, whole)
    )


@every_method
def test_another_vocabulary_or_tokenizer_is_refused_by_all_that_compare_tokens(cls):
    wide = Trace(torch.cat([TEACHER.logits, TEACHER.logits[..., :1]], 2))
    if cls.across_tokenizers:
        assert built(cls)()(STUDENT, wide, TWO_TOKENIZERS)["soft"].isfinite().all()
        return
    with pytest.raises(ValueError, match="the student's vocabulary has 3 entries, the teacher's 4"):
        built(cls)()(STUDENT, wide, BATCH)
    with pytest.raises(ValueError, match=r"token by token, but the batch has teacher_labels.*universal_logit"):
        built(cls)()(STUDENT, TEACHER, TWO_TOKENIZERS)


@every_method
def test_other_lengths_need_an_alignment(cls):
    """With it, a position without a partner does not count."""
    longer = Trace(torch.cat([STUDENT.logits[:, :2], TEACHER.logits], 1))
    with pytest.raises(ValueError, match=r"the student reads 3 positions, the teacher 5.*alignment"):
        built(cls)()(STUDENT, longer, BATCH)
    shifted = BATCH.but(alignment=torch.tensor([[2, 3, 4]]).repeat(3, 1))
    torch.testing.assert_close(built(cls)()(STUDENT, longer, shifted), built(cls)()(STUDENT, TEACHER, BATCH))
    alone = BATCH.but(alignment=torch.tensor([[2, -1, 4]]).repeat(3, 1))
    fewer = BATCH.but(mask=BATCH.mask & torch.tensor([True, False, True]))
    torch.testing.assert_close(
        built(cls)()(STUDENT, longer, alone)["soft"], built(cls)()(STUDENT, TEACHER, fewer)["soft"]
    )


def test_long_texts_weigh_as_much_as_short_ones():
    one_token = BATCH.but(mask=torch.tensor([[True, False, False]] * 3))
    expected = kl(softmax(TEACHER.logits[0, 0].tolist()), softmax(STUDENT.logits[0, 0].tolist()))
    assert math.isclose(WordLevelKD()(STUDENT, TEACHER, one_token)["soft"][0].item(), expected)
