"""The tokenizer that lies in a Hugging Face model's folder, read from ``tokenizer.json`` without running any code."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.data.tokenizers import Tokenizer


class FolderTokenizer(Tokenizer):
    """Cuts text up as the model of that folder was trained to read it.

    A model that has no token for the start of a text or for padding gets its end token there.

    Args:
        folder: with ``tokenizer.json`` and ``tokenizer_config.json``.

    Raises:
        ModuleNotFoundError: the tokenizers library is not installed.
        FileNotFoundError: the folder holds no ``tokenizer.json``.
        ValueError: its configuration names no end token, or one that the tokenizer lacks.
    """

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        if not (folder / "tokenizer.json").is_file():
            raise FileNotFoundError(f"{folder} holds no tokenizer.json; save the tokenizer there with save_pretrained")
        self._reader = _reader(folder / "tokenizer.json")
        self.names = tuple(self._reader.id_to_token(number) or "" for number in range(self._reader.get_vocab_size()))
        config = folder / "tokenizer_config.json"
        said = json.loads(config.read_text(encoding="utf-8")) if config.is_file() else {}
        self.end = self._special(said, "eos_token", "sep_token")
        self.start = self._special(said, "bos_token", "cls_token", "eos_token")
        self.pad = self._special(said, "pad_token", "eos_token", "sep_token")
        self.hidden = self._special(said, "mask_token", "eos_token", "sep_token")

    def _special(self, said: dict[str, Any], *roles: str) -> int:
        for role in roles:
            entry = said.get(role)
            name = entry.get("content") if isinstance(entry, dict) else entry
            number = None if name is None else self._reader.token_to_id(name)
            if number is not None:
                return number
        raise ValueError(f"tokenizer_config.json names none of {', '.join(roles)} among the tokenizer's entries")

    def pieces(self, text: str) -> list[str]:
        """The entries the text becomes, as the tokenizer spells them."""
        return self._reader.encode(text, add_special_tokens=False).tokens

    def encode(self, text: str) -> list[int]:
        """The numbers of a text, without special entries."""
        return self._reader.encode(text, add_special_tokens=False).ids

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Where each token begins and ends in the text, in characters."""
        return self._reader.encode(text, add_special_tokens=False).offsets

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of some numbers; special entries are left out."""
        return self._reader.decode(list(tokens), skip_special_tokens=True)


def _reader(path: Path) -> Any:
    try:
        from tokenizers import Tokenizer as Reader
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "tokenizers of Hugging Face models need the extra: install it with pip install 'kd-workbench[models]'"
        ) from error
    return Reader.from_file(str(path))
