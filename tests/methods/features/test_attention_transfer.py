"""Attention maps: the formula, and what a map does not see."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, unit
from workbench.maths.attention import attention_distance, energy_map
from workbench.methods.features.attention_transfer import AttentionTransfer
from workbench.models.mlp import MLP
from workbench.records.batch import Batch

torch.manual_seed(0)
LABELS = [0, -1]
LOGITS = [[0.3, -1.2, 0.8], [1.5, 0.2, -0.7]]
STUDENT = trace(LOGITS, early=torch.randn(2, 2, 2, 3).tolist(), late=torch.randn(2, 4).tolist())
TEACHER = trace(LOGITS, front=torch.randn(2, 3, 2, 3).tolist(), back=torch.randn(2, 4).tolist())


def flat_map(features):
    """Energy at each position: of maps (C, H, W) summed over channels, of vectors (D,) the unit's own."""
    if features.ndim == 1:
        return unit([x**2 for x in features])
    channels, height, width = features.shape
    return unit([sum(features[c, i, j] ** 2 for c in range(channels)) for i in range(height) for j in range(width)])


def formula(student, constants):
    attention = [0.0, 0.0]
    for mine, theirs in (("early", "front"), ("late", "back")):
        for b in range(2):
            s, t = flat_map(student[mine][b]), flat_map(constants.teacher[theirs][b])
            attention[b] += 1000 * sum((x - y) ** 2 for x, y in zip(s, t, strict=True)) / len(s)
    labels = [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
    return {"labels": labels, "attention": attention}


def make(**parameters):
    method = AttentionTransfer(**parameters)
    method.student_layers, method.teacher_layers = ("early", "late"), ("front", "back")
    return method


ORACLES = [Case("a map and a vector", make, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_a_map_says_where_and_not_how_much():
    maps = TEACHER["front"]
    torch.testing.assert_close(attention_distance(7 * maps, maps), torch.zeros(2, dtype=torch.float64))
    torch.testing.assert_close(attention_distance(maps[:, [2, 0, 1]], maps), torch.zeros(2, dtype=torch.float64))


def test_larger_maps_are_averaged_to_the_smaller_size():
    small = torch.rand(2, 5, 2, 2)
    assert attention_distance(small.repeat_interleave(2, 2).repeat_interleave(3, 3), small).max() < 1e-12
    assert attention_distance(torch.ones(2, 6), torch.ones(2, 4)).tolist() == [0, 0]


def test_of_sequences_the_channels_are_last():
    assert energy_map(torch.ones(2, 5, 3)).tolist() == [[3.0] * 5] * 2


def test_other_ranks_and_unlike_ranks_are_refused():
    with pytest.raises(ValueError, match=r"\(2,\); \(B, C, H, W\)"):
        energy_map(torch.ones(2))
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(2, 3, 4, 4\) have no comparable maps"):
        attention_distance(torch.ones(2, 3), torch.ones(2, 3, 4, 4))


def test_the_last_stages_are_matched_where_one_has_fewer_and_named_ones_where_they_are_named():
    example = Batch(torch.arange(2), torch.ones(2, 4), torch.tensor([0, 1]))
    method = AttentionTransfer()
    method.build(MLP(4, (5,), 3), MLP(4, (6, 7, 8), 3), example, FACTS)
    assert (method.student_layers, method.teacher_layers) == (("layer1",), ("layer3",))
    named = AttentionTransfer(guided="layer1.0, layer2", hint="layer1.0, layer3")
    named.build(MLP(4, (5, 6), 3), MLP(4, (6, 7, 8), 3), example, FACTS)
    assert (named.student_layers, named.teacher_layers) == (("layer1.0", "layer2"), ("layer1.0", "layer3"))
    with pytest.raises(ValueError, match="guided names 1 layers and hint 2"):
        AttentionTransfer(guided="layer1", hint="layer1, layer2").build(
            MLP(4, (5,), 3), MLP(4, (6, 7), 3), example, FACTS
        )
