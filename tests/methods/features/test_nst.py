"""Selectivity: the formula, the same as a distance of matrices, and how little memory it takes."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.methods.case import FACTS, Case, batch, check
from tests.methods.features.board import LABELS, nets, traces
from tests.methods.literal import cross_entropy, dot, length
from workbench.maths.maps import averaged
from workbench.methods.features.nst import NST, mean_squared_products, selectivity_distance
from workbench.methods.parts.memory import refuse_larger

SHAPES = {"maps": (3, 2, 2), "units": (4,)}, {"maps": (2, 2, 2), "units": (4,)}
STUDENT, TEACHER = traces(0, *SHAPES)


def patterns(features):
    """Of maps (C, H, W) each channel at length 1; of a vector the one channel there is."""
    rows = [features] if features.ndim == 1 else [channel.ravel() for channel in features]
    return [[x / length(row) for x in row] for row in rows]


def kernel_mean(rows, columns):
    return sum(dot(u, v) ** 2 for u in rows for v in columns) / (len(rows) * len(columns))


def formula(student, constants):
    losses = [0.0, 0.0]
    for name in ("maps", "units"):
        for b in range(2):
            u, v = patterns(student[name][b]), patterns(constants.teacher[name][b])
            losses[b] += 50 * (kernel_mean(u, u) + kernel_mean(v, v) - 2 * kernel_mean(u, v))
    labels = [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
    return {"labels": labels, "selectivity": losses}


def make(**parameters):
    method = NST(**parameters)
    method.student_layers = method.teacher_layers = ("maps", "units")
    return method


ORACLES = [Case("maps and a vector", make, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


@pytest.mark.parametrize("positions", [(2, 2), (5, 6)], ids=["few", "many"])
def test_it_is_the_squared_distance_of_the_mean_outer_products_of_patterns(positions):
    mine, theirs = torch.randn(3, 7, *positions).double(), torch.randn(3, 9, *positions).double()
    products = []
    for maps in (mine, theirs):
        unit = torch.nn.functional.normalize(maps.flatten(2), dim=2)
        products.append(torch.einsum("bcn,bcm->bnm", unit, unit) / maps.shape[1])
    expected = (products[0] - products[1]).square().sum((1, 2))
    torch.testing.assert_close(selectivity_distance(mine, theirs), expected)


def test_what_order_channels_are_in_and_how_often_they_come_does_not_matter():
    maps = torch.randn(2, 3, 4, 4).double()
    zero = torch.zeros(2, dtype=torch.float64)
    torch.testing.assert_close(selectivity_distance(5 * maps[:, [2, 0, 1]], maps), zero)
    torch.testing.assert_close(selectivity_distance(torch.cat([maps, maps], 1), maps), zero)


def test_larger_maps_are_averaged_and_of_sequences_the_channels_are_last():
    small = torch.randn(2, 5, 2, 3).double()
    large = small.repeat_interleave(2, 2).repeat_interleave(3, 3)
    torch.testing.assert_close(selectivity_distance(large, small), torch.zeros(2, dtype=torch.float64))
    sequence = torch.randn(2, 6, 4)
    torch.testing.assert_close(
        selectivity_distance(sequence, sequence.flip(1)),
        selectivity_distance(sequence.mT[..., None], sequence.flip(1).mT[..., None]),
    )
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(2, 3, 4, 4\) have no comparable patterns"):
        selectivity_distance(torch.ones(2, 3), torch.ones(2, 3, 4, 4))


@pytest.mark.parametrize(("before", "after"), [((6, 4), (3, 2)), ((7, 5), (3, 4)), ((8, 3), (1, 3))])
def test_averages_over_cells_are_those_of_adaptive_pooling(before, after):
    maps = torch.randn(2, 3, *before).double()
    torch.testing.assert_close(averaged(maps, after), torch.nn.functional.adaptive_avg_pool2d(maps, after))


class Largest(TorchDispatchMode):
    """The most numbers any tensor had."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor):
            self.numbers = max(self.numbers, out.numel())
        return out


@pytest.mark.parametrize(("channels", "side"), [(64, 4), (8, 16)])
def test_no_table_of_channels_by_channels_by_positions_is_made(channels, side):
    maps = torch.randn(2, channels, side, side)
    with Largest() as largest:
        mean_squared_products(maps.flatten(2), maps.flatten(2))
    assert largest.numbers <= 2 * max(min(channels, side * side) ** 2, channels * side * side)


def test_what_cannot_fit_is_refused():
    with pytest.raises(ValueError, match=r"tables of 64 x 5,000 x 5,000 numbers take 6\.0 GiB, more than 4; do less"):
        refuse_larger("tables", (64, 5000, 5000), torch.zeros(1), "do less")
    refuse_larger("tables", (64, 4000, 4000), torch.zeros(1), "do less")
    units = traces(0, {"maps": (1, 1, 1)})[0]
    units.features["maps"] = torch.empty(1, 1).expand(400, 3000, 3000)
    method = NST()
    method.student_layers = method.teacher_layers = ("maps",)
    with pytest.raises(ValueError, match=r"products of patterns.*smaller batches"):
        method(units, units, batch([0] * 400))


def test_the_last_stages_are_matched_unless_others_are_named():
    student, teacher, example = nets()
    for method, layers in ((NST(), ("layer2",)), (NST(guided="layer1, layer2"), ("layer1", "layer2"))):
        method.build(student, teacher, example, FACTS)
        assert method.student_layers == method.teacher_layers == layers
