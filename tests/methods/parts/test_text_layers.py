"""The attention and the values of Hugging Face models are found by the names they have there."""

from __future__ import annotations

import pytest
import torch

from workbench.methods.parts.text_layers import attention_of, scores_of, values_of
from workbench.models.huggingface import HuggingFace
from workbench.models.tracing import Tracer, stages_of

SIZES = {
    "Bert": {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16},
    "Llama": {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16},
    "DistilBert": {"dim": 8, "n_layers": 2, "n_heads": 2, "hidden_dim": 16},
}


@pytest.mark.parametrize("kind", SIZES)
def test_blocks_of_hugging_face_have_weights_and_values(kind):
    transformers = pytest.importorskip("transformers")
    head = "ForCausalLM" if kind == "Llama" else "ForMaskedLM"
    config = getattr(transformers, f"{kind}Config")(vocab_size=13, attn_implementation="eager", **SIZES[kind])
    model = HuggingFace(getattr(transformers, f"{kind}{head}")(config)).eval()
    block = stages_of(model)[-1]
    names = f"{attention_of(model, block)}:attention", values_of(model, block)
    trace = Tracer(model, names)({"input_ids": torch.tensor([[4, 5, 6]])})
    assert trace[names[0]].shape == (1, 2, 3, 3)
    torch.testing.assert_close(trace[names[0]].sum(-1), torch.ones(1, 2, 3))
    assert trace[names[1]].shape == (1, 3, 8)
    assert scores_of((model, model), (block, block)) == (names[0], names[0])
