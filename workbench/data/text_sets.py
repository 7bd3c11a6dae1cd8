"""From strings to text sets: texts to be continued, sentences to be classified, and words to be guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from workbench.data.text import Columns, TextSet
from workbench.data.tokenizers import Tokenizer, alignment
from workbench.maths.tokens import left_padded, next_tokens
from workbench.records.batch import UNLABELLED

Side = Literal["left", "right"]


@dataclass(frozen=True)
class Passage:
    """A text in two parts.

    Attributes:
        prompt: what is given; empty for plain text.
        response: what is to be written after it.
        rationale: why, for methods that teach reasons; empty if there is none.
    """

    prompt: str
    response: str
    rationale: str = ""


@dataclass(frozen=True)
class Reading:
    """How passages are tokenised.

    Attributes:
        tokenizer: the student's.
        teacher_tokenizer: the teacher's, None if it is the same.
        side: where the padding goes.
        learn_prompt: the tokens of the prompt count and are labels, too.
        context: most tokens of one text, None for no bound.
    """

    tokenizer: Tokenizer
    teacher_tokenizer: Tokenizer | None = None
    side: Side = "right"
    learn_prompt: bool = False
    context: int | None = None


def continuations(passages: Sequence[Passage], reading: Reading, ids: Tensor | None = None) -> TextSet:
    """Texts whose labels are their next tokens.

    The extras of a batch are ``prompts``, padded on the left and ready to be continued; ``references``, the responses
    as strings; where there are rationales, ``rationales``: inputs and labels of prompt and rationale; and with two
    tokenizers ``teacher_labels``, beside the batch's ``alignment``.

    Args:
        passages: the texts; a response alone is plain text.
        reading: how they are tokenised.
        ids: (N,) distinct int64; by default 0 .. N-1.

    Raises:
        ValueError: there is no passage or an empty response, a text is longer than the context, or it has characters
            that the tokenizer does not know.
    """
    _check_passages(passages)
    tokenizer = reading.tokenizer
    lengths = [len(tokenizer.encode(passage.prompt)) for passage in passages]
    tokens = [_whole(passage.prompt, passage.response, tokenizer) for passage in passages]
    inputs, labels = _labelled(tokens, lengths, reading, tokenizer)
    starts = [row[: 1 + length] for row, length in zip(tokens, lengths, strict=True)]
    groups = {"prompts": padded(starts, tokenizer.pad, "left")}
    if all(passage.rationale for passage in passages):
        reasons = [_whole(passage.prompt, passage.rationale, tokenizer) for passage in passages]
        columns, targets = _labelled(reasons, lengths, reading, tokenizer)
        groups["rationales"] = {**columns, "labels": targets}
    marks = {"counted": labels != UNLABELLED}
    teacher_inputs = None
    if reading.teacher_tokenizer is not None:
        teacher_inputs, theirs = _for_teacher(passages, reading, inputs["attention_mask"])
        marks |= theirs
    strings = {"references": [passage.response for passage in passages]}
    return TextSet(inputs, labels, ids=ids, teacher_inputs=teacher_inputs, marks=marks, groups=groups, strings=strings)


def sentences(texts: Sequence[str], labels: Sequence[int], tokenizer: Tokenizer, ids: Tensor | None = None) -> TextSet:
    """Texts with a class each; every one begins with the start token, on which a classifier may rest.

    Raises:
        ValueError: lengths differ, a text is empty, or it has characters that the tokenizer does not know.
    """
    _check_texts(texts)
    rows = [[tokenizer.start, *tokenizer.encode(text)] for text in texts]
    return TextSet(padded(rows, tokenizer.pad), torch.tensor(labels), ids=ids, strings={"texts": texts})


def hidden_words(texts: Sequence[str], tokenizer: Tokenizer, share: float = 0.15, ids: Tensor | None = None) -> TextSet:
    """Texts of which some tokens are hidden, the same ones every time; the labels are the hidden tokens.

    Args:
        texts: what is read.
        tokenizer: cuts them up.
        share: of the tokens that are hidden, at least one per text; 0.15 in BERT.
        ids: (N,) distinct int64; by default 0 .. N-1.

    Raises:
        ValueError: a text is empty, or it has characters that the tokenizer does not know.
    """
    _check_texts(texts)
    columns = padded([[tokenizer.start, *tokenizer.encode(text)] for text in texts], tokenizer.pad)
    tokens, mask = columns["input_ids"], columns["attention_mask"]
    chance = torch.rand(tokens.shape, generator=Generator().manual_seed(0))
    chance = chance.masked_fill(~mask | (tokens == tokenizer.start), 1.0)
    count = (share * mask.sum(1)).round().clamp(min=1).long()
    hidden = chance.argsort(1).argsort(1) < count[:, None]
    labels = tokens.masked_fill(~hidden, UNLABELLED)
    columns["input_ids"] = tokens.masked_fill(hidden, tokenizer.hidden)
    return TextSet(columns, labels, ids=ids, marks={"counted": hidden}, strings={"texts": texts})


def padded(rows: Sequence[Sequence[int]], pad: int, side: Side = "right") -> dict[str, Tensor]:
    """``input_ids`` and ``attention_mask`` of rows of tokens, (N, L) each."""
    mask = torch.tensor([len(row) for row in rows])[:, None] > torch.arange(max(map(len, rows)))
    tokens = torch.full(mask.shape, pad)
    tokens[mask] = torch.tensor([token for row in rows for token in row])
    if side == "left":
        tokens, mask = left_padded(tokens, mask)
    return {"input_ids": tokens, "attention_mask": mask}


def _whole(prompt: str, response: str, tokenizer: Tokenizer) -> list[int]:
    return [tokenizer.start, *tokenizer.encode(prompt), *tokenizer.encode(response), tokenizer.end]


def _labelled(
    rows: list[list[int]], prompts: list[int], reading: Reading, tokenizer: Tokenizer
) -> tuple[dict[str, Tensor], Tensor]:
    """Inputs and next tokens; those of the prompt have no label unless it is to be learnt."""
    longest = max(map(len, rows))
    if reading.context is not None and longest > reading.context:
        raise ValueError(f"a text of {longest} tokens is longer than the context of {reading.context}; shorten it")
    columns = padded(rows, tokenizer.pad, reading.side)
    labels = next_tokens(columns["input_ids"], columns["attention_mask"])
    if not reading.learn_prompt:
        place = columns["attention_mask"].cumsum(1) - 1
        labels = labels.masked_fill(place < torch.tensor(prompts)[:, None], UNLABELLED)
    return columns, labels


def _for_teacher(passages: Sequence[Passage], reading: Reading, student_mask: Tensor) -> tuple[Columns, Columns]:
    tokenizer = reading.teacher_tokenizer
    lengths = [len(tokenizer.encode(passage.prompt)) for passage in passages]
    rows = [_whole(passage.prompt, passage.response, tokenizer) for passage in passages]
    columns, labels = _labelled(rows, lengths, reading, tokenizer)
    first = columns["attention_mask"].int().argmax(1).tolist()
    places = torch.full(student_mask.shape, -1)
    aligned = [alignment(_spans(p, reading.tokenizer), _spans(p, tokenizer)) for p in passages]
    shifted = [[-1 if at < 0 else at + shift for at in row] for row, shift in zip(aligned, first, strict=True)]
    places[student_mask] = torch.tensor([at for row in shifted for at in row])
    return columns, {"alignment": places, "teacher_labels": labels}


def _spans(passage: Passage, tokenizer: Tokenizer) -> list[tuple[int, int]]:
    """Offsets of all tokens; the start ends where the text begins, the end stands one character after it."""
    shift, last = len(passage.prompt), len(passage.prompt) + len(passage.response)
    response = [(begin + shift, end + shift) for begin, end in tokenizer.offsets(passage.response)]
    return [(0, 0), *tokenizer.offsets(passage.prompt), *response, (last, last + 1)]


def _check_passages(passages: Sequence[Passage]) -> None:
    if not passages:
        raise ValueError("there are no passages; at least one is needed")
    if empty := [number for number, passage in enumerate(passages) if not passage.response]:
        raise ValueError(f"passages {empty[:5]} have an empty response; there is nothing to learn from them")


def _check_texts(texts: Sequence[str]) -> None:
    if not texts:
        raise ValueError("there are no texts; at least one is needed")
    if empty := [number for number, text in enumerate(texts) if not text.strip()]:
        raise ValueError(f"texts {empty[:5]} are empty; leave them out")
