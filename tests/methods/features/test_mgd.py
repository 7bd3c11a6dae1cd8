"""Masks: the formula, how many channels they blank, and what they depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check
from tests.methods.features.board import LABELS, built, convolve, held, nets, rectify, traces
from tests.methods.literal import cross_entropy
from workbench.methods.features.mgd import MGD
from workbench.models.convnet import ConvNet

VISIBLE = {"masked_share": 0.9}
STUDENT, TEACHER = traces(14, {"layer2": (2, 2, 3)})
LATER = 3  # a step that blanks one of the channels


def make(**parameters):
    method = built(MGD, **parameters)
    method.dice.step += LATER
    return method


DRAWN = held(make())
MASK = make().mask(torch.arange(2), torch.zeros(2, 2).double()).numpy()


def with_alignment(**parameters):
    method = make(**parameters)
    torch.manual_seed(3)
    method.align = nn.Conv2d(2, 2, 1).double()
    return method


ALIGN = held(with_alignment().align)


def formula(align):
    def values(student, constants):
        given = convolve(student["layer2"], ALIGN["weight"], ALIGN["bias"]) if align else student["layer2"]
        masked = given * MASK[:, :, None, None]
        made = rectify(convolve(masked, DRAWN["generator.0.weight"], DRAWN["generator.0.bias"]))
        made = convolve(made, DRAWN["generator.2.weight"], DRAWN["generator.2.bias"])
        pairs = zip(made, constants.teacher["layer2"], strict=True)
        gaps = [sum((x - y) ** 2 for x, y in zip(a.ravel(), b.ravel(), strict=True)) for a, b in pairs]
        labels = [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
        return {"labels": labels, "generated": [0.00007 * gap for gap in gaps]}

    return values


ORACLES = [
    Case("equal widths", make, STUDENT, TEACHER, batch(LABELS), formula(False)),
    Case("with alignment", with_alignment, STUDENT, TEACHER, batch(LABELS), formula(True)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    assert 0 < MASK.sum() < MASK.size
    check(case, case.make())


def test_that_share_of_the_channels_is_blanked_each_sample_and_step_its_own():
    method, like = built(MGD, masked_share=0.4), torch.zeros(500, 40)
    masks = []
    for _ in range(2):
        masks.append(method.mask(torch.arange(500), like))
        method.after_step(nn.Identity(), batch(LABELS))
    assert set(masks[0].unique().tolist()) == {0.0, 1.0}
    assert float(masks[0].mean()) == pytest.approx(0.6, abs=0.02)
    assert 0.4 < float((masks[0] == masks[1]).float().mean()) < 0.6
    assert not torch.equal(masks[0][0], masks[0][1])


def test_a_sample_keeps_its_mask_wherever_it_stands():
    method, like = built(MGD), torch.zeros(4, 30)
    ids, order = torch.tensor([40, 7, 19, 3]), torch.tensor([2, 0, 3, 1])
    np.testing.assert_array_equal(method.mask(ids[order], like), method.mask(ids, like)[order])


def test_without_a_mask_a_generator_that_passes_everything_on_meets_an_equal_teacher():
    method = built(MGD, masked_share=0.0)
    for layer in (method.generator[0], method.generator[2]):
        nn.init.dirac_(layer.weight)
        nn.init.zeros_(layer.bias)
    student, teacher = traces(14, {"layer2": (2, 2, 3)})
    student.features["layer2"] = teacher.features["layer2"] = TEACHER["layer2"].abs()
    assert method(student, teacher, batch(LABELS))["generated"].tolist() == [0.0, 0.0]


def test_channels_are_aligned_where_the_widths_differ():
    _, teacher, example = nets()
    method = MGD()
    method.build(ConvNet(1, (3, 5), 3), teacher, example, FACTS)
    assert method.align.weight.shape == (2, 5, 1, 1)
    assert isinstance(built(MGD).align, nn.Identity)
