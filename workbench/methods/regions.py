"""Which layer's maps a classifier averages, so that it could score regions of them as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from workbench.models.layers import call, evaluating, layers_of, listing
from workbench.models.tracing import Tracer, penultimate_of

if TYPE_CHECKING:
    from workbench.records.batch import Inputs


def averaged_layer(model: nn.Module, inputs: Inputs) -> str:
    """The last layer with maps of more than one position whose average enters the last ``nn.Linear``.

    Raises:
        ValueError: there is no such layer, or no linear one; the message lists the layers.
    """
    entry = penultimate_of(model)
    averages = _averages(model, inputs)
    with evaluating(model), torch.no_grad():
        wanted = Tracer(model, (entry,))(inputs)[entry]
    found = [name for name, average in averages.items() if _same(average, wanted)]
    if found:
        return found[-1]
    raise ValueError(
        f"{type(model).__name__} has no maps (B, D, H, W) whose average enters its classifier, so its regions have no "
        f"logits; use a net with global average pooling such as ConvNet, or kd; layers: {listing(layers_of(model))}"
    )


def classifier_of_maps(model: nn.Module, maps: Tensor, layer: str) -> nn.Linear:
    """The last ``nn.Linear``, if it can score positions of what a layer gives.

    Raises:
        ValueError: it cannot.
    """
    name = penultimate_of(model).removesuffix(":input")
    found = model.get_submodule(name)
    if maps.dim() == 4 and maps.shape[1] == found.in_features:
        return found
    raise ValueError(
        f"layer {layer!r} gives {tuple(maps.shape)}; the classifier {name!r} needs maps (B, {found.in_features}, H, W)"
    )


@torch.no_grad()
def _averages(model: nn.Module, inputs: Inputs) -> dict[str, Tensor]:
    """Of every layer that puts out maps, as it runs, the average over positions, in the order in which they finish."""
    averages: dict[str, Tensor] = {}

    def look(name: str, output: Any) -> None:
        if isinstance(output, Tensor) and output.dim() == 4 and output.shape[2:].numel() > 1:
            averages.pop(name, None)
            averages[name] = output.mean((2, 3))

    named = [(name, layer) for name, layer in model.named_modules() if name]
    handles = [layer.register_forward_hook(lambda *passed, name=name: look(name, passed[2])) for name, layer in named]
    try:
        with evaluating(model):
            call(model, inputs)
    finally:
        for handle in handles:
            handle.remove()
    return averages


def _same(average: Tensor, wanted: Tensor) -> bool:
    return average.shape == wanted.shape and torch.allclose(average, wanted, rtol=1e-3, atol=1e-5)
