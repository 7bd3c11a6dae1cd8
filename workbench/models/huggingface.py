"""Hugging Face models from a local folder, as students and teachers like any other.

Nothing is downloaded, no code from the folder is run, and no pickle is read: weights come from safetensors only.
"""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from workbench.maths.tokens import positions_of
from workbench.models.tracing import tensor_of

if TYPE_CHECKING:
    from types import ModuleType


@dataclass
class HuggingFaceCache:
    """What a causal model remembers.

    Attributes:
        mask: (B, S) bool, the real tokens among those read.
        past: the model's own cache.
    """

    mask: Tensor
    past: Any


class HuggingFace(nn.Module):
    """A Hugging Face model that counts places over real tokens and returns a tensor.

    Its layers are those of ``model``, as in ``model.transformer.h.0.attn``; their attention weights are traced after
    ``model.set_attn_implementation("eager")``.

    Args:
        model: any that takes ``input_ids`` and ``attention_mask``; it is used as it is.
        vocabulary: entries of its tokenizer; logits beyond them are padding of the matrix and are left out. None keeps
            all.

    Attributes:
        vocabulary: V, width of token logits.
        context: most tokens of one text, None if there is no bound.
        feature_layers: names of the model's blocks, its longest list of modules.

    Raises:
        ValueError: the model translates (encoder and decoder), or has fewer entries than the tokenizer.
    """

    def __init__(self, model: nn.Module, vocabulary: int | None = None) -> None:
        super().__init__()
        if model.config.is_encoder_decoder:
            raise ValueError(f"{type(model).__name__} has an encoder and a decoder; give a causal model or an encoder")
        entries = model.config.get_text_config().vocab_size
        if vocabulary is not None and vocabulary > entries:
            raise ValueError(f"the tokenizer has {vocabulary} entries, but {type(model).__name__} only {entries}")
        self.model = model
        self.cut = vocabulary
        self.vocabulary = vocabulary or entries
        self.context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self.feature_layers = _blocks(model)
        self.counts = model.can_generate() and "position_ids" in signature(model.forward).parameters

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """(B, L) tokens and which of them are real, None for all -> (B, L, V) or (B, C) logits, or hidden states."""
        mask = torch.ones_like(input_ids, dtype=torch.bool) if attention_mask is None else attention_mask.bool()
        places = {"position_ids": positions_of(mask)} if self.counts else {}
        past = {"use_cache": False} if self.counts else {}
        outputs = self.model(input_ids=input_ids, attention_mask=mask.long(), **places, **past)
        return self._logits(outputs)

    def forward_cached(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, cache: HuggingFaceCache | None = None
    ) -> tuple[Tensor, HuggingFaceCache]:
        """The logits of further tokens, (B, L, V), and the cache with these tokens added.

        Args:
            input_ids: (B, L) tokens that follow those in the cache.
            attention_mask: (B, L), which of them are real; None is all.
            cache: of what was read before; None starts anew.
        """
        mask = torch.ones_like(input_ids, dtype=torch.bool) if attention_mask is None else attention_mask.bool()
        mask = mask if cache is None else torch.cat([cache.mask, mask], 1)
        outputs = self.model(
            input_ids=input_ids,
            attention_mask=mask.long(),
            past_key_values=None if cache is None else cache.past,
            use_cache=True,
            **({"position_ids": positions_of(mask)[:, -input_ids.shape[1] :]} if self.counts else {}),
        )
        return self._logits(outputs), HuggingFaceCache(mask, outputs.past_key_values)

    def _logits(self, outputs: Any) -> Tensor:
        logits = tensor_of(outputs, "the model")
        return logits if self.cut is None else logits[..., : self.cut]


def load(folder: str | Path, vocabulary: int | None = None) -> HuggingFace:
    """A saved model, in evaluation mode and float32.

    Args:
        folder: with ``config.json`` and ``*.safetensors``, as ``save_pretrained`` writes it.
        vocabulary: entries of its tokenizer, where the model's matrix has more rows; None keeps all.

    Raises:
        ModuleNotFoundError: transformers is not installed.
        FileNotFoundError: there is no such folder, or no model in it.
        ValueError: its weights are pickled or incomplete, it is an adapter, or its class is not part of transformers.
    """
    folder = Path(folder)
    transformers = _transformers()
    _check_folder(folder)
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    cls = _class_of(transformers, config)
    model, report = cls.from_pretrained(
        folder,
        config=config,
        local_files_only=True,
        use_safetensors=True,
        attn_implementation="eager",
        dtype=torch.float32,
        output_loading_info=True,
    )
    if missing := sorted(report["missing_keys"]):
        raise ValueError(f"{folder} lacks weights of {cls.__name__}: {missing[:5]} ...; they would be left to chance")
    return HuggingFace(model, vocabulary).eval()


def _transformers() -> ModuleType:
    try:
        import transformers
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Hugging Face models need transformers: install the extra with pip install 'kd-workbench[models]'"
        ) from error
    return transformers


def _check_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(f"{folder} holds no config.json; a local folder written by save_pretrained is needed")
    if (folder / "adapter_config.json").exists():
        raise ValueError(f"{folder} holds an adapter; merge it into its model and save that")
    if not any(folder.glob("*.safetensors")):
        found = sorted(path.name for path in folder.iterdir())
        raise ValueError(
            f"{folder} holds no *.safetensors, only {found}; pickled weights are never loaded: convert them with "
            "save_pretrained on a machine that trusts them"
        )


def _class_of(transformers: ModuleType, config: Any) -> Any:
    names = config.architectures or []
    cls = getattr(transformers, names[0], None) if names else None
    if isinstance(cls, type) and issubclass(cls, transformers.PreTrainedModel):
        return cls
    raise ValueError(
        f"config.json names the architectures {names}, which are not part of transformers {transformers.__version__}; "
        "code that comes with a model is not run"
    )


def _blocks(model: nn.Module) -> tuple[str, ...]:
    lists = [(name, part) for name, part in model.named_modules() if isinstance(part, nn.ModuleList) and len(part)]
    if not lists:
        return ()
    name, longest = max(lists, key=lambda item: len(item[1]))
    return tuple(f"model.{name}.{number}" for number in range(len(longest)))
