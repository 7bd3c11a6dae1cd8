"""The course of knowledge points by hand, and the way of the weights of a training that goes on beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from tests.contracts.probes.world import map_net, play, setting, start, weights
from tests.diagnostics.knowledge_points.examples import speed
from workbench.data.transfer import TransferSet
from workbench.diagnostics.knowledge_points.measure import knowledge_points
from workbench.diagnostics.knowledge_points.measure_watch import weight_path
from workbench.diagnostics.knowledge_speed.measure import knowledge_speed, knowledge_speed_of
from workbench.engine.distill import Distillation
from workbench.methods.catalog import make
from workbench.models.tracing import Tracer
from workbench.records import events

IMAGES = torch.rand(2, 1, 3, 3, generator=torch.Generator().manual_seed(0))


def test_a_point_set_that_never_changes_is_stable_and_peaks_at_once() -> None:
    points = np.zeros((5, 3, 4, 4), bool)
    points[:, :, 1, 1], points[:, :, 0, 0] = True, True
    inside = np.zeros((4, 4), bool)
    inside[1:3, 1:3] = True
    found = knowledge_speed(points, inside, [0.5, 1, 2, 3, 4])
    assert found.stability.mean == found.stability_beside.mean == found.stability_all.mean == 1.0
    assert (found.d_mean.mean, found.d_spread.mean, found.d_spread.high) == (0.5, 0.0, 0.0)
    assert found.slope.mean == 2.0
    assert found.on_object.tolist() == [[1] * 3] * 5
    assert found.warnings == ()


def test_peaks_and_losses_by_hand() -> None:
    points = np.zeros((3, 3, 1, 4), bool)
    points[0, 0, 0, :2] = True  # the first image has most points at the first checkpoint and keeps one of two
    points[1, 0, 0, 0] = points[2, 0, 0, 0] = True
    points[2, 1, 0, :3] = True  # the second at the last one, and loses the one it had
    points[0, 1, 0, 3] = True
    found = knowledge_speed(points, np.ones((1, 4), bool), [1.0, 2.0, 4.0])  # the third has none
    assert found.peak.tolist() == [1.0, 4.0, 1.0]
    assert (found.d_mean.mean, found.d_spread.mean) == (2.0, 2.0)
    assert found.d_spread.low <= 2.0 <= found.d_spread.high
    assert found.slope.mean == pytest.approx((2 / 1 + 3 / 4 + 0) / 3)
    assert found.stability.mean == pytest.approx((1 / 2 + 3 / 4) / 2)
    assert np.isnan(found.stability_beside.mean)
    assert [each.mean for each in found.course] == pytest.approx([1, 1 / 3, 4 / 3])
    assert "images that never have a point on the object: 1" in found.warnings[1]


def test_the_path_adds_up_every_step() -> None:
    assert weight_path([1.0, 0.5, 2.5], begun=2.0).tolist() == [0.5, 0.75, 2.0]
    with pytest.raises(ValueError, match="nothing to measure"):
        weight_path([1.0], begun=0.0)
    with pytest.raises(ValueError, match="are needed"):
        knowledge_speed(np.zeros((2, 3, 4, 4)), np.ones((4, 4)), [1.0])
    assert "checkpoints" in speed().explain()


# --- a training that is looked at ------------------------------------------------------------------------------------
def going(method: str = "kd") -> Distillation:
    inputs, labels = torch.randn(96, 1, 2, 2, generator=torch.Generator().manual_seed(0)), torch.arange(96) % 3
    parts = {"train": TransferSet(inputs, labels), "test": TransferSet(inputs[:30] + 0.1, labels[:30])}
    torch.manual_seed(0)
    teacher = map_net(8)[1]
    return start(setting(**parts, validation=0.2, teacher=teacher, student=lambda: map_net(4)[1]), make(method))


def live(distillation: Distillation) -> nn.Module:
    return distillation.trial.parties["student"]


def test_the_way_of_a_layer_is_that_of_a_literal_loop_and_the_training_stays_what_it_was() -> None:
    watched, plain = going(), going()
    images = watched.setting.test.inputs[:2]
    found = knowledge_speed_of(play(watched), lambda: live(watched), images, layer="layer1")
    way, expected, before, begun = 0.0, [], None, 0.0
    for event in play(plain):
        if event.party != "student" or not isinstance(event, (events.Stage, events.Step, events.Epoch)):
            continue
        now = [v for k, v in weights(live(plain)).items() if k.startswith("layer1") and v.ndim > 1]
        numbers = [float(each) for tensor in now for each in tensor.flatten()]
        if isinstance(event, events.Stage):
            begun = math.sqrt(sum(each * each for each in numbers))
        if isinstance(event, events.Step):
            way += math.sqrt(sum((a - b) ** 2 for a, b in zip(numbers, before, strict=True)))
        else:
            expected.append(way / begun)
        before = numbers
    assert len(expected) == 4  # the start and three epochs
    assert found.path.tolist() == pytest.approx(expected)
    assert found.path[-1] > found.path[1] > 0
    left, right = weights(live(watched)), weights(live(plain))
    assert all(torch.equal(left[name], right[name]) for name in left)
    tracer = Tracer(live(plain).eval(), ("layer1",))
    last = knowledge_points({"student": lambda x: tracer(x)["layer1"]}, images)
    assert found.on_object[-1].tolist() == (last.points[0] & last.foreground).sum((1, 2)).tolist()
    assert (found.layer, found.provenance["fidelity"]) == ("layer1", "corrected")
    assert any("no masks" in warning for warning in found.warnings)


def test_checkpoints_lie_some_epochs_apart_and_the_last_one_is_looked_at() -> None:
    distillation = going("labels_only")
    shares = []
    found = knowledge_speed_of(
        play(distillation),
        lambda: live(distillation),
        IMAGES[:, :, :2, :2],
        every=2,
        tell=lambda share, words: shares.append(share),
    )
    assert shares == pytest.approx([0, 2 / 3, 1])
    assert found.layer == "layer1"
    assert len(found.path) == 3


class Moved(nn.Module):
    """One weight matrix of length 2 that is moved by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1)
        self.relu = nn.ReLU()
        self.conv.weight.data.fill_(2.0)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.relu(self.conv(inputs)).mean((2, 3))


def by_hand(net: Moved, *moves: float) -> Iterator[events.Event]:
    yield events.Stage(steps=len(moves), epochs=1)
    for step, move in enumerate(moves, 1):
        net.conv.weight.data += move
        net.conv.bias.data += 100.0  # no matrix
        yield events.Step(step=step, terms={})
    yield events.Epoch(epoch=1, step=len(moves), scores={})


def test_a_loop_of_ones_own_can_be_watched_and_what_is_between_stages_is_no_step() -> None:
    net = Moved()

    def two_stages() -> Iterator[events.Event]:
        yield from by_hand(net, 0.5, -1.0)
        net.conv.weight.data.fill_(7.0)
        yield from by_hand(net, 3.0)

    found = knowledge_speed_of(two_stages(), lambda: net, IMAGES, layer="conv", mode="paper")
    assert found.path.tolist() == pytest.approx([0, 1.5 / 2, 4.5 / 2])
    assert found.provenance["fidelity"] == "paper"
    assert net.training


def test_stopping_keeps_the_checkpoints_there_are() -> None:
    net = Moved()

    def stop(share: float, words: str) -> None:
        if share:
            raise StopIteration

    def twice() -> Iterator[events.Event]:
        yield from by_hand(net, 0.5)
        yield from by_hand(net, 0.5)

    found = knowledge_speed_of(twice(), lambda: net, IMAGES, layer="conv", tell=stop)
    assert len(found.path) == 2
    assert "stopped after 2 checkpoints" in found.warnings


@pytest.mark.parametrize(
    ("stream", "choices", "error", "words"),
    [
        ([events.Failed(message="NaN")], {}, RuntimeError, "the training failed: NaN"),
        ([events.Stage(steps=0, epochs=0)], {}, ValueError, "no step of a student"),
        ([events.Stage(steps=0, epochs=0)], {"layer": "relu"}, ValueError, "no weight matrix; these have one: conv"),
        ([events.Stage(steps=0, epochs=0)], {"layer": "conf"}, ValueError, "nearest first"),
        ([events.Stage(steps=0, epochs=0)], {"layer": "conv:input"}, ValueError, "give its name alone"),
        ([], {"every": 0}, ValueError, "every = 0"),
        (
            [events.Started(run_id="", setting="", method="", seed=0, steps=9, resumed_at=3)],
            {},
            ValueError,
            "goes on from step 3",
        ),
    ],
)
def test_what_cannot_be_watched_is_one_clear_error(stream: list, choices: dict, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        knowledge_speed_of(stream, Moved, IMAGES, **{"layer": "conv"} | choices)
