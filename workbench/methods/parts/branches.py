"""Students that carry more than themselves while they learn: branches that share their lower layers, and heads on them."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from workbench.methods.parts.untrained import untrained
from workbench.models.copies import copied
from workbench.models.layers import call
from workbench.models.tracing import Tracer, executed_layers, tensor_of


class Carrying(nn.Module):
    """A net, and parts that read one of its features each and are run after it; its outputs are the net's.

    The parts' outputs are traced as ``parts.0`` and so on. They are added when a method is built, where shapes are known.

    Args:
        inner: the net that is deployed in the end.
    """

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.parts, self.reads = inner, nn.ModuleList(), ()

    def carry(self, parts: list[nn.Module], reads: tuple[str, ...]) -> tuple[str, ...]:
        """Take on parts, each with the feature of the net that it reads; the names of their outputs."""
        like = next(self.inner.parameters())
        self.parts, self.reads = nn.ModuleList(parts).to(like), reads
        return tuple(f"parts.{k}" for k in range(len(parts)))

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """The net's outputs; the parts run beside it."""
        inputs = kwargs or (args if len(args) > 1 else args[0])
        trace = Tracer(self.inner, self.reads)(inputs)
        for part, feature in zip(self.parts, self.reads, strict=True):
            part(trace[feature], inputs) if isinstance(part, Branch) else part(trace[feature])
        return trace.outputs


class Branch(nn.Module):
    """A fresh copy of a net from one stage upwards, fed with what enters that stage in the net it shares the rest with.

    Args:
        model: the net.
        stage: name of its lowest layer that is not shared.
        inputs: a few samples, to find out what runs before.
    """

    def __init__(self, model: nn.Module, stage: str, inputs: Any) -> None:
        super().__init__()
        self.stage, made = stage, copied(model)
        for name in _before(model, stage, inputs):
            made.set_submodule(name, nn.Identity())
        self.model = untrained(made)

    def forward(self, feature: Tensor, inputs: Any) -> Tensor:
        """The branch's outputs for a feature; ``inputs`` only start the pass."""
        entry = self.model.get_submodule(self.stage)
        handle = entry.register_forward_pre_hook(lambda *_: (feature,))
        try:
            return tensor_of(call(self.model, inputs), "a branch")
        finally:
            handle.remove()


def _before(model: nn.Module, stage: str, inputs: Any) -> list[str]:
    """The outermost layers that have finished before a stage begins."""
    names = executed_layers(model, inputs)
    inside = [k for k, name in enumerate(names) if name == stage or name.startswith(f"{stage}.")]
    done = set(names[: inside[0]])
    return [name for name in done if not any(name.startswith(f"{other}.") for other in done)]
