"""The names of a model's layers, and the ones that methods look at when none is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from workbench.records.batch import Inputs

SHOWN = 40
"""At most so many layers are listed in an error message."""


def call(module: nn.Module, inputs: Inputs) -> object:
    """Run a module on a tensor, a tuple (positional arguments) or a mapping (keyword arguments)."""
    if isinstance(inputs, Tensor):
        return module(inputs)
    if isinstance(inputs, Mapping):
        return module(**inputs)
    return module(*inputs) if isinstance(inputs, tuple) else module(inputs)


def layers_of(module: nn.Module) -> list[str]:
    """Dotted names of all submodules, in order of registration; a shared one has several names."""
    return [name for name, _ in module.named_modules(remove_duplicate=False) if name]


def executed_layers(module: nn.Module, inputs: Inputs) -> list[str]:
    """Names of the submodules in the order in which they finish; one that runs twice stands where it finished last.

    The pass runs in evaluation mode and without gradients, so it changes neither statistics nor random streams.
    """
    finished: dict[str, None] = {}

    def note(name: str) -> None:
        finished.pop(name, None)
        finished[name] = None

    named = [(name, layer) for name, layer in module.named_modules() if name]
    handles = [layer.register_forward_hook(lambda *_, name=name: note(name)) for name, layer in named]
    try:
        with evaluating(module), torch.no_grad():
            call(module, inputs)
    finally:
        for handle in handles:
            handle.remove()
    return list(finished)


def penultimate_of(module: nn.Module, example: Inputs | None = None) -> str:
    """The feature under the classifier: the input of the last ``nn.Linear``.

    Args:
        module: the classifier.
        example: inputs to run it on; then "last" means last to run, else last to be registered.

    Raises:
        ValueError: the model has no ``nn.Linear``, or none of them ran.
    """
    names = layers_of(module) if example is None else executed_layers(module, example)
    linear = [name for name in names if isinstance(module.get_submodule(name), nn.Linear)]
    if linear:
        return f"{linear[-1]}:input"
    raise ValueError(
        f"{type(module).__name__} {'has' if example is None else 'ran'} no nn.Linear, so its penultimate features must "
        f"be named, as 'layer:input' of its classifier; layers: {listing(names)}"
    )


def stages_of(module: nn.Module) -> list[str]:
    """The stages whose outputs serve as features, first to last, the classifier left out.

    They are what the module says in ``feature_layers``. A module without it is read from its structure: of its
    children with weights (the items of a list count as children) those that have children of their own if there are
    any, else those with a weight matrix; the child with the last ``nn.Linear`` is left out, and a single one with
    parts is opened in its turn.

    Raises:
        ValueError: there are none.
    """
    declared = getattr(module, "feature_layers", None)
    stages = list(declared) if declared is not None else _structural_stages(module)
    if stages:
        return stages
    raise ValueError(
        f"{type(module).__name__} has no feature stages; name the layers to use, or give the model a tuple "
        f"`feature_layers`; layers: {listing(layers_of(module))}"
    )


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The known names, those most like ``name`` first."""
    return sorted(known, key=lambda other: -SequenceMatcher(None, name, other).ratio())


def listing(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{names[:SHOWN]}{more}"


def _structural_stages(module: nn.Module) -> list[str]:
    linear = [name for name, layer in module.named_modules() if isinstance(layer, nn.Linear)]
    last = f"{linear[-1]}." if linear else ""
    children = [(name, child) for name, child in _parts(module) if not last.startswith(f"{name}.")]
    compound = [(name, child) for name, child in children if any(True for _ in child.children())]
    if len(compound) == 1:
        name, child = compound[0]
        return [f"{name}.{inner}" for inner in _structural_stages(child)]
    if compound:
        return [name for name, _ in compound]
    return [name for name, child in children if any(p.ndim > 1 for p in child.parameters())]


def _parts(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, child in module.named_children():
        if isinstance(child, nn.ModuleList):  # a list never runs itself
            yield from ((f"{name}.{inner}", part) for inner, part in _parts(child))
        elif any(True for _ in child.parameters()):
            yield name, child


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while; every submodule goes back to the mode it was in."""
    modes = [(layer, layer.training) for layer in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for layer, training in modes:
            layer.training = training
