"""A tokenizer that learns which characters belong together.

After Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units", ACL 2016, Algorithm 1,
with words that keep the space before them, as GPT-2 has it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Self

from workbench.data.tokenizers import Tokenizer, characters_of

WORD = re.compile(r" ?\w+| ?[^\w\s]|\s")

Pair = tuple[str, str]


class PairTokenizer(Tokenizer):
    """Byte-pair encoding on characters: merges are applied in the order in which they were learnt, within words.

    Args:
        characters: the alphabet.
        merges: pairs of pieces that become one, the most frequent first.
    """

    def __init__(self, characters: Iterable[str], merges: Iterable[Pair]) -> None:
        merges = tuple(merges)
        super().__init__(dict.fromkeys([*characters, *("".join(pair) for pair in merges)]))
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._known: dict[str, list[str]] = {}

    @classmethod
    def train(cls, texts: Iterable[str], merges: int) -> Self:
        """Learn merges: again and again the most frequent pair becomes one piece; ties go to the first in order.

        Args:
            texts: to learn from.
            merges: how many; fewer if no pair occurs twice.

        Raises:
            ValueError: there is no text.
        """
        texts = list(texts)
        characters = characters_of(texts)
        words = [(list(word), count) for word, count in Counter(w for t in texts for w in WORD.findall(t)).items()]
        learnt: list[Pair] = []
        while len(learnt) < merges:
            counts: Counter[Pair] = Counter()
            for pieces, count in words:
                for pair in pairwise(pieces):
                    counts[pair] += count
            best = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
            if best is None or counts[best] < 2:
                break
            learnt.append(best)
            words = [(_merge(pieces, best), count) for pieces, count in words]
        return cls(characters, learnt)

    def pieces(self, text: str) -> list[str]:
        """Its words, each put together from characters by the merges."""
        return [piece for word in WORD.findall(text) for piece in self._cut(word)]

    def _cut(self, word: str) -> list[str]:
        if word not in self._known:
            pieces = list(word)
            while pairs := [pair for pair in pairwise(pieces) if pair in self._ranks]:
                pieces = _merge(pieces, min(pairs, key=self._ranks.__getitem__))
            self._known[word] = pieces
        return self._known[word]


def _merge(pieces: list[str], pair: Pair) -> list[str]:
    merged: list[str] = []
    for piece in pieces:
        if merged and (merged[-1], piece) == pair:
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged
