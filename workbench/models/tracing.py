"""One forward pass of any unmodified module, with its outputs and the features asked for.

A feature is ``layer`` (the output of the submodule of that dotted name), ``layer:input`` (its first input) or
``layer:attention`` (the attention weights of an ``nn.MultiheadAttention``, (B, heads, L, L), or of a module that returns
``(output, weights)``). A layer that runs k > 1 times in a pass yields a stacked first axis, (k, B, ...).

Hooks exist only while a pass runs: between passes the module can be copied, pickled or traced by someone else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import get_ident
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor, nn

from workbench.models.attention import hook_attention
from workbench.models.layers import call, executed_layers, layers_of, listing, nearest, penultimate_of, stages_of
from workbench.records.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch.utils.hooks import RemovableHandle

    from workbench.records.batch import Inputs

__all__ = ["Tracer", "call", "executed_layers", "layers_of", "penultimate_of", "stages_of", "tensor_of"]

KINDS = ("input", "attention")


class Tracer:
    """Runs a module and records features.

    A tensor that a later layer overwrites in place is kept as it was: the first pass copies every feature and finds
    out which ones are overwritten; from then on only those are copied.

    Args:
        module: any module; it is not changed.
        layers: names of features; none costs nothing beyond the call.

    Raises:
        ValueError: the module has no such layer; the message lists what it has, nearest first.
    """

    def __init__(self, module: nn.Module, layers: Sequence[str] = ()) -> None:
        self.module: nn.Module | None = module
        self.layers = tuple(dict.fromkeys(layers))
        self._targets = {name: _find(module, name) for name in self.layers}
        self._overwritten: dict[str, bool] = {}

    def __call__(self, inputs: Inputs) -> Trace:
        """Run one pass.

        Args:
            inputs: a tensor, a tuple of positional or a dict of keyword arguments.

        Raises:
            RuntimeError: the tracer is closed; a layer did not run in this pass; or a feature was overwritten in place
                in this pass but not in the first one.
            TypeError: the output, or a feature, is not a tensor and holds none.
            ValueError: a layer ran several times with different shapes.
        """
        if self.module is None:
            raise RuntimeError("this tracer is closed; make a new one")
        if not self.layers:
            return Trace(_outputs(call(self.module, inputs)))
        records: dict[str, list[_Record]] = {name: [] for name in self.layers}
        handles = self._hooks(records)
        try:
            outputs = _outputs(call(self.module, inputs))
        finally:
            for handle in handles:
                handle.remove()
        silent = [name for name in self.layers if not records[name]]
        if silent:
            ran = executed_layers(self.module, inputs)
            raise RuntimeError(
                f"{silent} did not run in this pass; layers that did: {listing(nearest(silent[0], ran))}"
            )
        return Trace(outputs, {name: self._feature(name, kept) for name, kept in records.items()})

    def __enter__(self) -> Self:
        """The tracer itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of the module; it carries no hooks between passes anyway."""
        self.module = None
        self._targets.clear()

    def _hooks(self, records: Mapping[str, list[_Record]]) -> list[RemovableHandle]:
        thread = get_ident()

        def recorder(name: str) -> Callable[[object], None]:
            def record(value: object) -> None:
                if get_ident() == thread:  # another thread may be running the same teacher
                    tensor = tensor_of(value, f"feature {name!r}")
                    records[name].append(_Record.of(tensor, overwritten=self._overwritten.get(name)))

            return record

        return [
            handle for name, (layer, kind) in self._targets.items() for handle in _HOOKS[kind](layer, recorder(name))
        ]

    def _feature(self, name: str, records: list[_Record]) -> Tensor:
        known, overwritten = self._overwritten.get(name), any(record.overwritten for record in records)
        if overwritten and known is False:
            raise RuntimeError(
                f"{name!r} was overwritten in place in this pass but not in the first one; trace it with a new Tracer, "
                f"or make the operation after it not in place"
            )
        if known is None and all(record.version is not None for record in records):
            self._overwritten[name] = overwritten
        values = [record.value(copied=overwritten) for record in records]
        if len(values) == 1:
            return values[0]
        shapes = [tuple(value.shape) for value in values]
        if len(set(shapes)) > 1:
            raise ValueError(f"{name!r} ran {len(values)} times with shapes {shapes}, which cannot be stacked")
        return torch.stack(values)


@dataclass(frozen=True)
class _Record:
    """A tensor as a hook saw it, and a copy while it is not known whether one is needed.

    ``version`` is None where the tensor is a copy itself: nobody else can overwrite that.
    """

    tensor: Tensor
    version: int | None
    copy: Tensor | None = None

    @classmethod
    def of(cls, tensor: Tensor, *, overwritten: bool | None) -> _Record:
        if overwritten or tensor.is_inference():  # inference tensors do not count their versions
            return cls(tensor.clone(), None)
        return cls(tensor, tensor._version, tensor.clone() if overwritten is None else None)

    @property
    def overwritten(self) -> bool:
        return self.version is not None and self.tensor._version != self.version

    def value(self, *, copied: bool) -> Tensor:
        return self.copy if copied and self.copy is not None else self.tensor


def tensor_of(value: object, what: str) -> Tensor:
    """The tensor in what a module returned; where gradients are off, it carries none.

    A tensor is itself; an object or mapping gives its ``logits`` or ``last_hidden_state``; a tuple or list its first
    element. A scripted net that was differentiated before disregards that gradients are off.

    Raises:
        TypeError: there is none; ``what`` names what was looked at.
    """
    found = _held(value)
    if found is None:
        raise TypeError(
            f"{what} is {type(value).__name__}, not a tensor; what works: a tensor, a tuple or list that starts with one, "
            f"or an object or dict with 'logits' or 'last_hidden_state'"
        )
    return found.detach() if found.requires_grad and not torch.is_grad_enabled() else found


def _held(value: object) -> Tensor | None:
    if isinstance(value, Tensor):
        return value
    for key in ("logits", "last_hidden_state"):
        inner = value.get(key) if isinstance(value, Mapping) else getattr(value, key, None)
        if isinstance(inner, Tensor):
            return inner
    return value[0] if isinstance(value, tuple | list) and value and isinstance(value[0], Tensor) else None


def _outputs(value: object) -> Tensor:
    """A model's outputs; one number per sample is a column, (B,) -> (B, 1), so that it never meets labels crosswise."""
    outputs = tensor_of(value, "the model")
    return outputs[:, None] if outputs.dim() == 1 else outputs


def _find(module: nn.Module, feature: str) -> tuple[nn.Module, str]:
    known = dict(module.named_modules(remove_duplicate=False))
    layer, _, kind = feature.rpartition(":")
    if kind not in KINDS:
        layer, kind = feature, "output"
    if not layer or layer not in known:
        raise ValueError(
            f"{type(module).__name__} has no layer {layer!r}; a feature is 'layer', 'layer:input' or 'layer:attention'; "
            f"layers, nearest first: {listing(nearest(layer, layers_of(module)))}"
        )
    return known[layer], kind


def _hook_output(layer: nn.Module, record: Callable[[object], None]) -> Iterable[RemovableHandle]:
    return [layer.register_forward_hook(lambda _layer, _inputs, output: record(output))]


def _hook_input(layer: nn.Module, record: Callable[[object], None]) -> Iterable[RemovableHandle]:
    def first(_layer: nn.Module, inputs: tuple, named: dict) -> None:
        record(next(iter((*inputs, *named.values())), None))

    return [layer.register_forward_pre_hook(first, with_kwargs=True)]


_HOOKS = {"output": _hook_output, "input": _hook_input, "attention": hook_attention}
