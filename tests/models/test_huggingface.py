"""Hugging Face models come from local folders, without pickle and foreign code, and read padded text like any other."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.models.causal_models import KINDS, VOCABULARY
from workbench.models.huggingface import HuggingFace, load
from workbench.models.layers import penultimate_of, stages_of
from workbench.models.tracing import Tracer

transformers = pytest.importorskip("transformers")

TEXT = torch.tensor([[5, 6, 7, 8, 9]])
CAUSAL = ("gpt2", "llama")


def saved(model: nn.Module, folder: Path) -> Path:
    model.save_pretrained(folder)
    return folder


@pytest.fixture(params=CAUSAL)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return saved(KINDS[request.param](), tmp_path / request.param)


def bert(head: str, **more: Any) -> nn.Module:
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.BertConfig(vocab_size=16, max_position_embeddings=24, **sizes, **more)
    return getattr(transformers, head)(config).eval()


@pytest.mark.parametrize("kind", CAUSAL)
def test_what_was_saved_is_loaded(kind: str, tmp_path: Path) -> None:
    """The same logits as the model itself gives, which has no padding to deal with."""
    model = KINDS[kind]()
    with torch.no_grad():
        torch.testing.assert_close(load(saved(model, tmp_path))(TEXT), model(TEXT).logits)


def test_padding_of_the_vocabulary_is_left_out(folder: Path) -> None:
    """The matrix has 16 rows, the tokenizer 13 entries."""
    whole, cut = load(folder), load(folder, vocabulary=VOCABULARY)
    assert (whole.vocabulary, cut.vocabulary) == (16, 13)
    torch.testing.assert_close(cut(TEXT), whole(TEXT)[..., :13])
    with pytest.raises(ValueError, match=r"the tokenizer has 17 entries, but .* only 16"):
        load(folder, vocabulary=17)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_on_either_side_changes_nothing(folder: Path, side: str) -> None:
    model = load(folder)
    rubbish, real = torch.tensor([[3, 4]]), torch.ones(1, 5, dtype=torch.bool)
    tokens = torch.cat([rubbish, TEXT] if side == "left" else [TEXT, rubbish], 1)
    mask = torch.cat([~real[:, :2], real] if side == "left" else [real, ~real[:, :2]], 1)
    with torch.no_grad():
        torch.testing.assert_close(model(tokens, mask)[mask], model(TEXT)[0], atol=1e-5, rtol=1e-4)


def test_reading_in_pieces_is_reading_at_once(folder: Path) -> None:
    model, cache, pieces = load(folder), None, []
    with torch.no_grad():
        for piece in TEXT.split([2, 1, 2], 1):
            logits, cache = model.forward_cached(piece, None, cache)
            pieces.append(logits)
        torch.testing.assert_close(torch.cat(pieces, 1), model(TEXT), atol=1e-5, rtol=1e-4)


def test_its_layers_can_be_traced(folder: Path) -> None:
    """Blocks are found, their attention adds up to one, and the last linear layer is the classifier."""
    model = load(folder)
    blocks = stages_of(model)
    assert len(blocks) == len(model.feature_layers) >= 2
    attention = next(name for name, _ in model.named_modules() if name.endswith((".attn", ".self_attn")))
    trace = Tracer(model, (*blocks, f"{attention}:attention"))({"input_ids": TEXT})
    assert all(trace[name].shape == (1, 5, 16) for name in blocks)
    weights = trace[f"{attention}:attention"]
    torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
    assert penultimate_of(model) == "model.lm_head:input"


@pytest.mark.parametrize(
    ("head", "shape"),
    [("BertForMaskedLM", (1, 5, 16)), ("BertForSequenceClassification", (1, 3)), ("BertModel", (1, 5, 16))],
)
def test_encoders_come_with_their_head(head: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    """Guesses, classes or hidden states, by what the folder says; padding on the right changes nothing."""
    model = load(saved(bert(head, num_labels=3), tmp_path))
    with torch.no_grad():
        alone = model(TEXT)
        padded = model(torch.cat([TEXT, TEXT[:, :2]], 1), torch.arange(7)[None] < 5)
    assert alone.shape == shape
    torch.testing.assert_close(padded[:, :5] if len(shape) == 3 else padded, alone, atol=1e-5, rtol=1e-4)


def test_an_unwrapped_model_takes_the_same_inputs() -> None:
    """Text sets name their columns as Hugging Face does, so one may hand over a model as it is."""
    model = KINDS["gpt2"]()
    inputs = {"input_ids": TEXT, "attention_mask": torch.ones(1, 5, dtype=torch.bool)}
    torch.testing.assert_close(Tracer(model)(inputs).logits, HuggingFace(model)(TEXT))


def test_pickled_weights_are_refused(folder: Path) -> None:
    """Even where they could be read."""
    weights = next(folder.glob("*.safetensors"))
    torch.save({}, folder / "pytorch_model.bin")
    weights.unlink()
    with pytest.raises(ValueError, match=r"no \*\.safetensors, only .*pytorch_model\.bin.*pickled weights are never"):
        load(folder)


def changed(folder: Path, **values: Any) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    return folder


def test_code_of_others_is_not_run(folder: Path) -> None:
    """Neither a class that transformers lacks nor anything of it that is no model."""
    (folder / "theirs.py").write_text("raise SystemExit('ran')")
    auto = {"AutoConfig": "theirs.Config", "AutoModelForCausalLM": "theirs.Model"}
    for name in ("TheirModel", "pipeline"):
        with pytest.raises(ValueError, match=f"architectures .'{name}'., which are not part of transformers"):
            load(changed(folder, architectures=[name], auto_map=auto))


def test_missing_weights_are_not_left_to_chance(folder: Path) -> None:
    """A file that holds only part of the model."""
    from safetensors.torch import load_file, save_file

    path = next(folder.glob("*.safetensors"))
    tensors = load_file(path)
    save_file(dict(list(tensors.items())[3:]), path, metadata={"format": "pt"})
    with pytest.raises(ValueError, match="lacks weights of"):
        load(folder)


def test_folders_that_hold_no_model(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no config\.json; a local folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no config\.json; a local folder"):
        load("gpt2")
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(ValueError, match="holds an adapter"):
        load(folder)


def test_models_that_translate_are_refused() -> None:
    sizes = {"d_model": 16, "d_ff": 32, "d_kv": 8, "num_layers": 1, "num_heads": 2, "vocab_size": 16}
    model = transformers.T5ForConditionalGeneration(transformers.T5Config(**sizes))
    with pytest.raises(ValueError, match="T5ForConditionalGeneration has an encoder and a decoder"):
        HuggingFace(model)


def test_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where transformers is missing."""
    there = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name == "transformers":
            raise ModuleNotFoundError(name)
        return there(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'kd-workbench\[models\]'"):
        load(tmp_path)
