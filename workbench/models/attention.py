"""Reads attention weights off a module, making it compute them where a fused kernel would hide them."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.utils.hooks import RemovableHandle

_SIGNATURE = signature(nn.MultiheadAttention.forward)


def hook_attention(layer: nn.Module, record: Callable[[Tensor], None]) -> list[RemovableHandle]:
    """Pass the attention weights of every call of ``layer`` to ``record``.

    An ``nn.MultiheadAttention`` is made to compute them per head, (B, heads, L, S), after dropout if it trains with
    any; its caller still gets what it asked for, to rounding. Any other module must return ``(output, weights)``.

    Raises:
        TypeError: while running, the module did not return weights.
    """
    if isinstance(layer, nn.MultiheadAttention):
        return _hook_multihead(layer, record)

    def second(_layer: nn.Module, _inputs: object, output: object) -> None:
        weights = output[1] if isinstance(output, tuple | list) and len(output) > 1 else None
        if not isinstance(weights, Tensor):
            raise TypeError(
                f"{type(layer).__name__} returned no attention weights; what works: nn.MultiheadAttention, or a module "
                f"that returns (output, weights) - Hugging Face models do with attn_implementation='eager'"
            )
        record(weights)

    return [layer.register_forward_hook(second)]


def _hook_multihead(layer: nn.MultiheadAttention, record: Callable[[Tensor], None]) -> list[RemovableHandle]:
    asked: list[tuple[bool, bool]] = []

    def ask(module: nn.Module, inputs: tuple, named: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        bound = _SIGNATURE.bind(module, *inputs, **named)
        bound.apply_defaults()
        arguments = bound.arguments
        asked.append((arguments["need_weights"], arguments["average_attn_weights"]))
        arguments.update(need_weights=True, average_attn_weights=False)
        return bound.args[1:], bound.kwargs

    def answer(_module: nn.Module, _inputs: object, output: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor | None]:
        values, weights = output
        record(weights)
        needed, averaged = asked.pop()
        return values, (weights.mean(-3) if averaged else weights) if needed else None

    return [layer.register_forward_pre_hook(ask, with_kwargs=True), layer.register_forward_hook(answer)]
