"""Text as numbers: a tokenizer of characters, what all tokenizers share, and how two of them line up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

SPECIAL = ("<pad>", "<start>", "<end>", "<mask>")


class Tokenizer:
    """Cuts text into pieces and numbers them; the special entries come first.

    Args:
        pieces: the entries beside the special ones, all different.

    Attributes:
        names: all entries in order, special ones first.
        pad: fills the space beside a text.
        start: stands before every text.
        end: stands after every text that is whole.
        hidden: stands for a token that is to be guessed.
    """

    pad, start, end, hidden = range(len(SPECIAL))

    def __init__(self, pieces: Iterable[str]) -> None:
        self.names = (*SPECIAL, *pieces)
        self._numbers = {piece: number for number, piece in enumerate(self.names)}

    def __len__(self) -> int:
        """Number of entries, the vocabulary."""
        return len(self.names)

    def pieces(self, text: str) -> list[str]:
        """The text cut up; joined again it is the text."""
        raise NotImplementedError

    def encode(self, text: str) -> list[int]:
        """The numbers of a text, without special entries.

        Raises:
            ValueError: it has characters that the tokenizer was not made from.
        """
        pieces = self.pieces(text)
        if unknown := sorted({character for piece in pieces if piece not in self._numbers for character in piece}):
            raise ValueError(f"characters {unknown} are unknown; this tokenizer was made from text without them")
        return [self._numbers[piece] for piece in pieces]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Where each token begins and ends in the text, in characters."""
        spans, begin = [], 0
        for piece in self.pieces(text):
            spans.append((begin, begin + len(piece)))
            begin += len(piece)
        return spans

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of some numbers; special entries are left out."""
        return "".join(self.names[token] for token in tokens if token >= len(SPECIAL))


class CharacterTokenizer(Tokenizer):
    """Every character is a token."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """The tokenizer of all characters that occur.

        Raises:
            ValueError: there are none.
        """
        return cls(characters_of(texts))

    def pieces(self, text: str) -> list[str]:
        """Its characters."""
        return list(text)


def characters_of(texts: Iterable[str]) -> list[str]:
    """The characters that occur, sorted.

    Raises:
        ValueError: there are none.
    """
    if characters := sorted(set().union(*texts)):
        return characters
    raise ValueError("there is no text to make a tokenizer from; at least one character is needed")


def alignment(student_offsets: Sequence[tuple[int, int]], teacher_offsets: Sequence[tuple[int, int]]) -> list[int]:
    """For each of the student's tokens, the teacher's that ends at the same character; -1 where none does.

    There both have read the same text, so what they expect next can be compared. From one such token to the next both
    spell the same piece of text.

    Args:
        student_offsets: (begin, end) of each token in the text, as ``Tokenizer.offsets`` gives them.
        teacher_offsets: the same of the other tokenizer.
    """
    ends = {end: number for number, (_, end) in enumerate(teacher_offsets)}
    return [ends.get(end, -1) for _, end in student_offsets]
