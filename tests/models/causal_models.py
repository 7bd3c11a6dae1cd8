"""Small causal models of three kinds, for tests that any of them must pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from workbench.models.decoder import Decoder

VOCABULARY, CONTEXT = 13, 24


def decoder() -> nn.Module:
    """Ours."""
    return _lively(Decoder(VOCABULARY, 16, 2, 2, CONTEXT, multiple=8))


def gpt2() -> nn.Module:
    """Learnt places, padded vocabulary."""
    transformers = pytest.importorskip("transformers")
    sizes = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": CONTEXT}
    special = {"bos_token_id": 1, "eos_token_id": 2}
    return _lively(transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=16, **sizes, **special)))


def llama() -> nn.Module:
    """Rotary places, grouped heads, padded vocabulary."""
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 3}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": CONTEXT}
    return _lively(transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=16, **sizes, **heads)))


def _lively(model: nn.Module) -> nn.Module:
    """Weights so large that next tokens differ clearly."""
    generator = torch.Generator().manual_seed(5)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.data = 0.5 * torch.randn(parameter.shape, generator=generator)
    return model.eval()


KINDS: dict[str, Callable[[], nn.Module]] = {"decoder": decoder, "gpt2": gpt2, "llama": llama}
