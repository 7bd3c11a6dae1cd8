"""Knowledge points counted by hand, and their course over checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.contracts.probes.world import map_net, run, setting
from tests.diagnostics.knowledge_points.examples import made
from workbench.data.transfer import TransferSet
from workbench.diagnostics.knowledge_points.measure import knowledge_points, knowledge_points_of
from workbench.diagnostics.knowledge_points.measure_counts import counts_of
from workbench.methods.catalog import make

IMAGES = torch.rand(2, 1, 3, 3, generator=torch.Generator().manual_seed(0))


def test_points_are_counted_one_by_one() -> None:
    result = made()
    for threshold in (0.1, 0.35):
        found = result.at(threshold)
        for net in range(3):
            on, off = [], []
            for image in range(4):
                entropy, inside = result.entropy[net, image], result.foreground[image]
                background = np.mean([entropy[cell] for cell in np.ndindex(8, 8) if not inside[cell]])
                cells = [cell for cell in np.ndindex(8, 8) if background - entropy[cell] > threshold]
                on.append(sum(inside[cell] for cell in cells))
                off.append(len(cells) - on[-1])
            assert found.on_object[net].mean == pytest.approx(np.mean(on))
            assert found.beside[net].mean == pytest.approx(np.mean(off))
            shares = [a / (a + b) for a, b in zip(on, off, strict=True) if a + b]
            assert found.ratio[net].mean == pytest.approx(np.mean(shares))
    assert result.gained.mean == pytest.approx(result.on_object[1].mean - result.on_object[2].mean)


def test_a_net_that_looks_at_the_middle_has_its_points_there() -> None:
    middle = torch.zeros(6, 6)
    middle[1:5, 1:5] = 3

    def ask(images: torch.Tensor) -> torch.Tensor:
        weighted = images[:, 0] * (middle + 0.5)
        return weighted.flatten(1) + 100

    found = knowledge_points({"student": ask, "control": lambda z: z.flatten(1) + 100}, torch.rand(3, 1, 6, 6))
    assert found.points[0].all(0).sum() == 16
    assert (found.points[0] == found.foreground).all()
    assert found.ratio[0].mean == 1.0
    assert found.on_object[1].mean < 2
    assert found.gained.mean > 10
    assert "no masks" in found.warnings[0]


def test_of_a_run_on_images(tmp_path: Path) -> None:
    inputs = torch.randn(96, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(96) % 3
    parts = {"train": TransferSet(inputs, labels), "test": TransferSet(inputs[:30] + 0.1, labels[:30])}
    where = setting(**parts, validation=0.2, teacher=map_net(8)[1], student=lambda: map_net(4)[1])
    taught, alone = (run(where, make(name), folder=tmp_path) for name in ("kd", "labels_only"))
    found = knowledge_points_of(taught, where, alone, images=3)
    assert found.nets == ("teacher", "student", "control")
    assert found.entropy.shape == (3, 3, 2, 2)
    assert all(layer.endswith(":input") for layer in found.layers)
    flat = setting()
    of_table = run(flat, make("kd"), folder=tmp_path)
    with pytest.raises(ValueError, match="are none"):
        knowledge_points_of(of_table, flat)


def test_stopping_keeps_the_nets_that_are_done() -> None:
    def tell(share: float, words: str) -> None:
        if share:
            raise StopIteration

    nets = {"student": lambda z: z.flatten(1) + 9, "control": lambda z: z.flatten(1) + 9}
    found = knowledge_points(nets, IMAGES, tell=tell)
    assert found.nets == ("student",)
    assert "stopped after 1 of 2 nets" in found.warnings
    assert np.isnan(found.gained.mean)


def test_the_released_way_pools_the_background_and_counts_no_points_as_a_ratio_of_zero() -> None:
    inside = np.zeros((4, 4), bool)
    inside[1, 1] = True
    entropy = np.full((1, 2, 4, 4), -2.0)
    entropy[0, 1] = -3.0  # an image whose noise is small everywhere
    entropy[0, 0, 1, 1] = -2.1
    own = counts_of(("net",), entropy, inside, 0.2)
    assert (own["on_object"][0].mean, own["beside"][0].mean) == (0, 0)
    assert np.isnan(own["ratio"][0].mean)
    pooled = counts_of(("net",), entropy, inside, 0.2, "paper")  # the mean background is at -2.5
    assert (pooled["on_object"][0].mean, pooled["beside"][0].mean) == (0.5, 7.5)
    assert pooled["ratio"][0].mean == pytest.approx((0 + 1 / 16) / 2)


def test_the_mode_is_kept() -> None:
    found = knowledge_points({"net": lambda z: z.flatten(1) + 9}, IMAGES, mode="paper")
    assert (found.provenance["fidelity"], found.at(0.5).mode) == ("paper", "paper")


def test_bad_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="images"):
        knowledge_points({"net": lambda z: z}, torch.zeros(3, 4))
    with pytest.raises(ValueError, match="grid has 3 x 3"):
        knowledge_points({"net": lambda z: z}, IMAGES, foreground=np.ones((2, 2)))
