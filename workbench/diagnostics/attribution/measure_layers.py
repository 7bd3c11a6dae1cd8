"""Which units of a layer carry a score, and which parts of the input drive one unit or one direction of features?

How it is measured: conductance follows the path from baseline to input and counts what flows through each unit;
integrated gradients of a layer follow the straight path between its two activations; Grad-CAM weighs the channels of a
layer with their mean gradient. A direction u of the features, such as a component of the interaction tensor, is a
score of its own, u (phi(x) - mean), and gets a map of the input like any other.

Formula: with phi the features of a layer, phi0 those at the baseline, and g the mean gradient of F between the two,
    relevance of u = u (phi - phi0) * u g;  over an orthonormal basis these add up to F(x) - F(baseline).
Reading it: conductances and relevances add up to what the score gained on the way from the baseline.
When it misleads: a unit that only passes on what a second one undoes has a large conductance of each sign.
After: Dhamdhere et al. 2019 (conductance); Selvaraju et al. 2017 (Grad-CAM); through captum. Relevance along
directions is ours.
Cost: as integrated gradients.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.diagnostics.attribution.measure_attributors import out_of_place, watched
from workbench.diagnostics.attribution.measure_scores import Case, Scored
from workbench.models.layers import layers_of, listing, nearest
from workbench.models.tracing import Tracer

STEPS = 32


def conductance(scored: Scored, case: Case, layer: str, *, steps: int = STEPS) -> Tensor:
    """What flows through each unit of a layer on the way from the (first) baseline, (B, ...) like the layer.

    Args:
        scored: a model in evaluation mode, and its score.
        case: the samples.
        layer: its name, or ``layer:input``.
        steps: of the path.

    Raises:
        ValueError: the model has no such layer; the message lists what it has, nearest first.
    """
    from captum.attr import LayerConductance

    copied, module, before = _at(scored, layer)
    tool = LayerConductance(copied, module)
    given = {"n_steps": steps, "method": "riemann_trapezoid", "attribute_to_layer_input": before}
    there, back = (
        _one(tool.attribute(*ends, additional_forward_args=tuple(case.asked), **given))
        for ends in ((case.inputs, case.starts[0]), (case.starts[0], case.inputs))
    )
    return (there - back) / 2  # captum takes the gradient at the start of each step; both ways, it is their mean


def layer_integrated_gradients(scored: Scored, case: Case, layer: str, *, steps: int = STEPS) -> Tensor:
    """Integrated gradients between a layer's activations at baseline and input, (B, ...) like the layer.

    Args:
        scored: a model in evaluation mode, and its score.
        case: the samples.
        layer: its name, or ``layer:input``.
        steps: of the path.

    Raises:
        ValueError: the model has no such layer.
    """
    return _layer_path(scored, case, layer, steps, multiplied=True)


def layer_gradient(scored: Scored, case: Case, layer: str) -> Tensor:
    """The score's slope in every unit of a layer, at the samples themselves, (B, ...) like the layer.

    Args:
        scored: a model in evaluation mode, and its score.
        case: the samples.
        layer: its name, or ``layer:input``.

    Raises:
        ValueError: the model has no such layer.
    """
    from captum.attr import LayerGradientXActivation

    copied, module, before = _at(scored, layer)
    tool = LayerGradientXActivation(copied, module, multiply_by_inputs=False)
    asked = tuple(case.asked)
    return _one(tool.attribute(watched(case.inputs), additional_forward_args=asked, attribute_to_layer_input=before))


def grad_cam(scored: Scored, case: Case, layer: str) -> Tensor:
    """Grad-CAM of a convolutional layer at the size of the image, (B, H, W), with its sign.

    Raises:
        ValueError: the model has no such layer, or its features are not maps (B, D, h, w).
    """
    from captum.attr import LayerAttribution, LayerGradCam

    copied, module, before = _at(scored, layer)
    tool = LayerGradCam(copied, module)
    found = _one(
        tool.attribute(watched(case.inputs), additional_forward_args=tuple(case.asked), attribute_to_layer_input=before)
    )
    if found.ndim != 4:
        raise ValueError(f"Grad-CAM needs a layer of maps (B, D, h, w); {layer!r} gives {found.ndim} dimensions")
    return LayerAttribution.interpolate(found, tuple(case.inputs.shape[-2:]), "bilinear")[:, 0]


def neuron_conductance(
    scored: Scored, case: Case, layer: str, neuron: tuple[int, ...], *, steps: int = STEPS
) -> Tensor:
    """What of the score flows from each part of the input through one unit of a layer, (B, ...) like the inputs.

    Args:
        scored: a model in evaluation mode, and its score.
        case: the samples.
        layer: its name, or ``layer:input``.
        neuron: the unit's indices in the layer, without the batch.
        steps: of the path.

    Raises:
        ValueError: the model has no such layer.
    """
    from captum.attr import NeuronConductance

    copied, module, before = _at(scored, layer)
    return NeuronConductance(copied, module).attribute(
        case.inputs,
        neuron,
        case.starts[0],
        additional_forward_args=tuple(case.asked),
        n_steps=steps,
        method="gausslegendre",
        attribute_to_neuron_input=before,
    )


class Along(nn.Module):
    """How far a sample's features lie along a direction: u (phi(x) - mean).

    Args:
        model: whose features.
        layer: their name, as in a ``Trace``.
        direction: (D,).
        mean: (D,), subtracted first; None subtracts nothing.
    """

    def __init__(self, model: nn.Module, layer: str, direction: Tensor, mean: Tensor | None = None) -> None:
        super().__init__()
        self.model, self.layer, self.direction, self.mean = model, layer, direction, mean

    def forward(self, inputs: Tensor, *_: Tensor) -> Tensor:
        """(B,); what a score would need to know beside the inputs is passed over."""
        features = Tracer(self.model, [self.layer])(inputs)[self.layer].flatten(1)
        features = features if self.mean is None else features - self.mean
        if features.shape[1] != len(self.direction):
            raise ValueError(f"{self.layer!r} has {features.shape[1]} features and the direction {len(self.direction)}")
        return features @ self.direction


def direction_map(along: Along, inputs: Tensor, start: Tensor, *, steps: int = STEPS) -> Tensor:
    """Which parts of the input move its features along a direction: (B, ...) like the inputs.

    Args:
        along: the direction.
        inputs: (B, ...).
        start: (B, ...) baselines.
        steps: of the path.

    Raises:
        ValueError: the model has no such layer, or its width is not that of the direction.
    """
    from captum.attr import IntegratedGradients

    return IntegratedGradients(along).attribute(inputs, start, n_steps=steps).detach()


def direction_relevance(scored: Scored, case: Case, layer: str, directions: Tensor, *, steps: int = STEPS) -> Tensor:
    """How much of the score's gain each direction of a layer's features carries, (B, K).

    Args:
        scored: a model in evaluation mode, and its score.
        case: the samples.
        layer: its name, or ``layer:input``.
        directions: (K, D) orthonormal rows, such as principal components.
        steps: of the path between the two activations.

    Raises:
        ValueError: no such layer, or the directions are not orthonormal and as wide as its features.
    """
    with torch.no_grad(), Tracer(scored.model, [layer]) as tracer:
        moved = (tracer(case.inputs)[layer] - tracer(case.starts[0])[layer]).flatten(1)
    if directions.ndim != 2 or directions.shape[1] != moved.shape[1]:
        raise ValueError(f"directions {tuple(directions.shape)} must be (K, {moved.shape[1]}), the width of {layer!r}")
    if not torch.allclose(directions @ directions.T, torch.eye(len(directions)).to(directions), atol=1e-4):
        raise ValueError("the directions must be orthonormal, or what they carry would be counted twice")
    gradient = _layer_path(scored, case, layer, steps, multiplied=False).flatten(1)
    return (moved @ directions.T) * (gradient @ directions.T)


def _layer_path(scored: Scored, case: Case, layer: str, steps: int, *, multiplied: bool) -> Tensor:
    from captum.attr import LayerIntegratedGradients

    copied, module, before = _at(scored, layer)
    return _one(
        LayerIntegratedGradients(copied, module, multiply_by_inputs=multiplied).attribute(
            case.inputs,
            case.starts[0],
            additional_forward_args=tuple(case.asked),
            n_steps=steps,
            attribute_to_layer_input=before,
        )
    )


def _at(scored: Scored, layer: str) -> tuple[Scored, nn.Module, bool]:
    """A copy of the model whose rectifiers do not work in place, its layer, and whether its input is meant."""
    name, _, kind = layer.partition(":")
    known = layers_of(scored.model)
    if name not in known or kind not in ("", "input"):
        raise ValueError(
            f"{type(scored.model).__name__} has no layer {layer!r}; a layer is 'name' or 'name:input'; nearest first: "
            f"{listing(nearest(name, known))}"
        )
    copied = out_of_place(scored)
    return copied, copied.model.get_submodule(name), kind == "input"


def _one(found: Tensor | tuple[Tensor, ...]) -> Tensor:
    return (found if isinstance(found, Tensor) else found[0]).detach()
