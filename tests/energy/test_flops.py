"""Operations against the sums one does by hand: two per multiply-add."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from workbench.energy.flops import FlopCounter, flops_of


def test_a_net_forward_and_backward() -> None:
    net = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3))
    inputs, products = torch.randn(11, 5), 11 * (5 * 7 + 7 * 3)
    found = flops_of(lambda: net(inputs).sum().backward(), "student")
    # Backward: each layer's weights, and the inputs of every layer but the first.
    assert found == {"student forward": 2 * products, "student backward": 2 * (products + 11 * 7 * 3)}


def test_a_convolution() -> None:
    inputs = torch.randn(2, 3, 8, 8)
    found = flops_of(lambda: nn.Conv2d(3, 4, 3, padding=1)(inputs))
    assert found == {"model forward": 2 * 2 * 4 * 8 * 8 * 3 * 3 * 3}


def test_teacher_and_student_are_told_apart() -> None:
    student, teacher, inputs = nn.Linear(4, 2), nn.Linear(4, 6), torch.randn(3, 4)
    with FlopCounter("student") as counter:
        with counter.asking("teacher"), torch.no_grad():
            teacher(inputs)
        student(inputs).sum().backward()
    assert counter.flops == {
        "teacher forward": 2 * 3 * 4 * 6,
        "student forward": 2 * 3 * 4 * 2,
        "student backward": 2 * 3 * 4 * 2,
    }


def test_inference_mode_hides_nothing() -> None:
    net, inputs = nn.Linear(4, 2), torch.randn(3, 4)
    with torch.inference_mode():
        assert flops_of(lambda: net(inputs)) == {"model forward": 2 * 3 * 4 * 2}


def test_counting_changes_no_number() -> None:
    def gradient() -> list[torch.Tensor]:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))
        inputs, labels = torch.randn(6, 1, 8, 8), torch.arange(6) % 5
        nn.functional.cross_entropy(nn.functional.dropout(net(inputs), 0.3), labels).backward()
        return [parameter.grad for parameter in net.parameters()]

    plain, counted = gradient(), []
    flops_of(lambda: counted.extend(gradient()))
    assert all(torch.equal(a, b) for a, b in zip(plain, counted, strict=True))


@pytest.mark.parametrize("net", [nn.LSTM(4, 4, batch_first=True), nn.TransformerEncoderLayer(4, 2, batch_first=True)])
def test_what_has_no_formula_is_named(net: nn.Module) -> None:
    with torch.no_grad(), FlopCounter("student") as counter:
        net.eval()(torch.randn(2, 3, 4))
    assert counter.uncounted
