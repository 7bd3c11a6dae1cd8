"""Layers, units and directions: what they carry adds up, and planted units are found."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.diagnostics.attribution.test_measure_attributors import case_of, smooth
from workbench.diagnostics.attribution.measure_layers import (
    Along,
    conductance,
    direction_map,
    direction_relevance,
    grad_cam,
    layer_integrated_gradients,
    neuron_conductance,
)
from workbench.diagnostics.attribution.measure_scores import Case, Scored, asked
from workbench.models.convnet import ConvNet


def gained(scored: Scored, case: Case) -> Tensor:
    with torch.no_grad():
        return scored(case.inputs, *case.asked) - scored(case.starts[0], *case.asked)


@pytest.mark.parametrize("layer", ["0", "1", "2", "2:input"])
def test_what_flows_through_a_layer_adds_up(layer: str) -> None:
    case, scored = case_of(), Scored(smooth(), "nckd_match")
    for flow in (conductance, layer_integrated_gradients):
        found = flow(scored, case, layer, steps=256)
        assert found.shape == (4, 5 if layer == "2" else 7)
        assert torch.allclose(found.sum(1), gained(scored, case), rtol=0, atol=1e-5)


class Reader(nn.Module):
    """Token ids (B, L) to logits of three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(20, 6), nn.Linear(6, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.embedding(tokens).tanh().mean(1))


def test_token_ids_are_explained_at_their_embedding() -> None:
    scored, tokens = Scored(Reader().double(), "dark_logit"), torch.randint(1, 20, (4, 5))
    known = asked(torch.randn(4, 3).double(), torch.tensor([0, 1, 2, 0]))
    case = Case(tokens, known, torch.zeros_like(tokens)[None])
    found = layer_integrated_gradients(scored, case, "embedding", steps=64)
    assert found.shape == (4, 5, 6)
    assert torch.allclose(found.sum((1, 2)), gained(scored, case), rtol=0, atol=1e-6)


def test_conductance_of_a_convnet_adds_up_and_leaves_no_hook() -> None:
    case, model = case_of((2, 1, 8, 8), form="image"), ConvNet(1, (3, 4), 5).double().eval()
    scored = Scored(model, "dark_logit")
    found = conductance(scored, case, "layer1", steps=256)
    assert found.shape == (2, 3, 8, 8)
    assert torch.allclose(found.flatten(1).sum(1), gained(scored, case), rtol=0, atol=1e-2)
    assert not any(part._forward_hooks or part._backward_hooks for part in model.modules())


def test_conductance_of_the_units_adds_up_to_that_of_the_layer() -> None:
    case, scored = case_of(), Scored(smooth(), "kd_match")
    whole = conductance(scored, case, "1", steps=256)
    for unit in (0, 4):
        parts = neuron_conductance(scored, case, "1", (unit,), steps=256)
        assert parts.shape == case.inputs.shape
        assert torch.allclose(parts.sum(1), whole[:, unit], rtol=0, atol=1e-4)


def test_grad_cam_of_a_planted_channel_is_that_channel() -> None:
    class Planted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.maps = nn.Conv2d(1, 2, 1).double()

        def forward(self, inputs: Tensor) -> Tensor:
            first = self.maps(inputs)[:, 0].mean((1, 2))
            return torch.stack([0 * first, first, 0 * first, 0 * first, 0 * first], 1)

    model, case = Planted(), case_of((5, 1, 6, 6), form="image")
    found = grad_cam(Scored(model, "dark_logit"), case, "maps")
    for row in range(5):  # the score holds logit 1 with a weight that is zero where 1 is the label
        weight = 0.0
        if case.asked.labels[row] != 1:
            powers = case.asked.teacher_logits[row].exp()
            weight = float(powers[1] / (powers.sum() - powers[case.asked.labels[row]]))
        expected = weight / 36 * model.maps(case.inputs)[row, 0]
        assert torch.allclose(found[row], expected, atol=1e-9)
    with pytest.raises(ValueError, match="Grad-CAM needs a layer of maps"):
        grad_cam(Scored(smooth(), "dark_logit"), case_of(), "1")


def test_a_direction_of_a_linear_layer_has_a_closed_form() -> None:
    case, model = case_of(), smooth()
    direction, mean = torch.randn(7).double(), torch.randn(7).double()
    along = Along(model, "0", direction, mean)
    features = case.inputs @ model[0].weight.T + model[0].bias
    assert torch.allclose(along(case.inputs), (features - mean) @ direction)
    found = direction_map(along, case.inputs, case.starts[0])
    assert torch.allclose(found, (case.inputs - case.starts[0]) * (direction @ model[0].weight))
    with pytest.raises(ValueError, match="'0' has 7 features and the direction 3"):
        Along(model, "0", torch.ones(3).double())(case.inputs)


def test_what_directions_carry_adds_up_over_a_basis_and_knows_the_planted_one() -> None:
    case, model = case_of(), smooth()
    basis = torch.linalg.qr(torch.randn(7, 7).double()).Q.T
    scored = Scored(model, "nckd_match")
    found = direction_relevance(scored, case, "1", basis, steps=256)
    assert torch.allclose(found.sum(1), gained(scored, case), rtol=0, atol=1e-6)
    model[2].weight.data = torch.outer(torch.randn(5).double(), basis[3])  # only one direction reaches the logits
    planted = direction_relevance(scored, case, "1", basis)
    assert planted[:, 3].abs().min() > 1e-6 > 1e-9 > planted[:, [0, 1, 2, 4, 5, 6]].abs().max()
    with pytest.raises(ValueError, match="must be orthonormal"):
        direction_relevance(scored, case, "1", 2 * basis)
    with pytest.raises(ValueError, match=r"must be \(K, 7\), the width of '1'"):
        direction_relevance(scored, case, "1", torch.eye(3).double())


def test_a_layer_that_is_not_there_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"no layer 'layer9'; .*nearest first"):
        conductance(Scored(smooth(), "pair"), case_of(), "layer9")
