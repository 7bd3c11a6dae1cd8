"""A model folder's tokenizer does what the library's own does, and lines up with ours."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from workbench.data.text_sets import Passage, Reading, continuations
from workbench.data.tokenizers import CharacterTokenizer, alignment
from workbench.data.tokenizers_huggingface import FolderTokenizer

library = pytest.importorskip("tokenizers")

TEXTS = ["the cat sat on the mat.", "the bat, the cat!", "at that, the mat sat."]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A byte-level tokenizer as GPT-2 has it, trained here."""
    made = library.Tokenizer(library.models.BPE())
    made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = library.decoders.ByteLevel()
    made.train_from_iterator(TEXTS, library.trainers.BpeTrainer(vocab_size=40, special_tokens=["<|end|>"]))
    made.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": {"content": "<|end|>"}}))
    return tmp_path


def test_it_cuts_as_the_library_does(folder: Path) -> None:
    """Numbers, spelling, special entries."""
    tokenizer, own = FolderTokenizer(folder), library.Tokenizer.from_file(str(folder / "tokenizer.json"))
    for text in TEXTS:
        assert tokenizer.encode(text) == own.encode(text).ids
        assert [tokenizer.names[token] for token in tokenizer.encode(text)] == tokenizer.pieces(text)
        assert tokenizer.decode([tokenizer.start, *tokenizer.encode(text), tokenizer.end]) == text
    assert tokenizer.end == tokenizer.start == tokenizer.pad == own.token_to_id("<|end|>")
    assert len(tokenizer) == own.get_vocab_size()


def test_it_lines_up_with_ours(folder: Path) -> None:
    """Every one of its tokens ends where some character ends; text sets take both."""
    theirs, mine = FolderTokenizer(folder), CharacterTokenizer.of(TEXTS)
    places = alignment(theirs.offsets(TEXTS[0]), mine.offsets(TEXTS[0]))
    assert places == [end - 1 for _, end in theirs.offsets(TEXTS[0])]
    batch = continuations([Passage("", text) for text in TEXTS], Reading(mine, theirs)).batch(torch.arange(3))
    assert (batch.alignment >= 0).sum() == batch.teacher_inputs["attention_mask"].sum()


def test_folders_it_cannot_read(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "</s>"}))
    with pytest.raises(ValueError, match="names none of eos_token, sep_token among the tokenizer's entries"):
        FolderTokenizer(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no tokenizer\.json"):
        FolderTokenizer(folder)


def test_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name == "tokenizers":
            raise ModuleNotFoundError(name)
        return there(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'kd-workbench\[models\]'"):
        FolderTokenizer(folder)
