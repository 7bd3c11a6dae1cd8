"""Relations of attention and of values in the last block, then the labels."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.methods.case import Case, check
from tests.methods.encoders.board import (
    BATCH,
    FACTS,
    LABELS,
    REAL,
    attention,
    mean_over_real,
    model,
    numbers,
    relations,
)
from tests.methods.literal import cross_entropy, kl
from workbench.maths.token_relations import relation_kl, value_relations
from workbench.methods.encoders.minilm import MiniLM
from workbench.models.encoder import Encoder, MaskedLanguageModel

STUDENT = model(2, att=attention(2, 2, 3, 3), values=numbers(2, 3, 4))
TEACHER = model(2, att=attention(2, 2, 3, 3), values=numbers(2, 3, 6))


def at(stage):
    def make(**parameters):
        method = MiniLM(**parameters)
        method.build(nn.Identity(), None, BATCH, FACTS)  # as before the second stage: it looks for no layers
        method.student_layers = method.teacher_layers = ("att", "values")
        method.stage = stage
        return method

    return make


def matched(student, constants):
    teacher, attended, values = constants.teacher, [], []
    for b in range(2):
        own, theirs = student["att"][b], teacher["att"][b]
        attended.append([sum(kl(theirs[h][n], own[h][n]) for h in range(2)) / 2 for n in range(3)])
        mine, hints = relations(student["values"][b], 2, b), relations(teacher["values"][b], 2, b)
        count = sum(REAL[b])
        values.append(sum(kl(hints[h][n], mine[h][n]) for h in range(2) for n in range(count)) / 2 / count)
    return {"attention": mean_over_real(attended), "values": values}


def answers(student, constants):
    losses = []
    for s, ys in zip(student["logits"], LABELS, strict=True):
        found = [cross_entropy(s[n], ys[n]) for n in range(3) if ys[n] >= 0]
        losses.append(sum(found) / max(len(found), 1))
    return {"labels": losses}


PLAN = (("relations", "student", "teacher", 0.5), ("finetune", "student", None, 0.5))
ORACLES = [
    Case("relations", at("relations"), STUDENT, TEACHER, BATCH, matched, PLAN),
    Case("finetune", at("finetune"), STUDENT, None, BATCH, answers, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_tokens_of_equal_values_are_related_evenly_and_padding_to_nobody():
    real = torch.tensor([[True, True, True, False]])
    found = value_relations(torch.ones(1, 4, 6), 2, real)
    torch.testing.assert_close(found[0, 1, 0], torch.tensor([1 / 3, 1 / 3, 1 / 3, 0]))


def test_attention_that_is_nowhere_is_no_reason_for_an_infinite_gap():
    """A causal teacher attends to nothing that comes later, and neither does its student."""
    teacher = torch.tensor([[[[1.0, 0.0], [0.25, 0.75]]]])
    student = torch.tensor([[[[1.0, 0.0], [0.5, 0.5]]]], requires_grad=True)
    gaps = relation_kl(student, teacher, torch.ones(1, 2, dtype=torch.bool))
    torch.testing.assert_close(gaps[0, 1], torch.tensor(kl([0.25, 0.75], [0.5, 0.5])))
    assert gaps[0, 0] == 0
    gaps.sum().backward()
    assert student.grad.isfinite().all()


def test_the_last_blocks_are_compared_whatever_their_number_and_width():
    student, teacher = (MaskedLanguageModel(Encoder(4, size, depth, 2, 8)) for size, depth in ((4, 1), (6, 3)))
    method = MiniLM()
    method.build(student, teacher, BATCH, FACTS)
    assert method.teacher_layers == ("encoder.layer3.attention:attention", "encoder.layer3.attention.value")
    assert list(method.parameters()) == []


def test_values_that_cannot_be_told_apart_are_refused():
    class Fused(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
            self.feature_layers = ("layer",)

        def forward(self, input_ids, attention_mask):
            return self.layer(nn.functional.one_hot(input_ids, 4).float(), src_key_padding_mask=~attention_mask)

    with pytest.raises(ValueError, match=r"'layer\.self_attn' of Fused has no projection of its values alone"):
        MiniLM().build(Fused(), Fused(), BATCH, FACTS)
