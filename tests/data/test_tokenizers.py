"""Text becomes numbers and comes back; what a tokenizer does not know it refuses; two of them line up."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.tokenizers import CharacterTokenizer, Tokenizer, alignment
from workbench.data.tokenizers_bpe import PairTokenizer

CORPUS = ["the cat sat on the mat.", "the bat, the cat!", "at that, the mat sat."]
CHARACTERS = sorted(set("".join(CORPUS)))
TOKENIZERS = {"characters": CharacterTokenizer.of(CORPUS), "pairs": PairTokenizer.train(CORPUS, 12)}
TEXT = st.text(st.sampled_from(CHARACTERS), max_size=40)


@pytest.fixture(params=TOKENIZERS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return TOKENIZERS[request.param]


@given(text=TEXT)
def test_text_comes_back(text: str) -> None:
    for tokenizer in TOKENIZERS.values():
        tokens = tokenizer.encode(text)
        assert tokenizer.decode(tokens) == text
        spelt = [text[begin:end] for begin, end in tokenizer.offsets(text)]
        assert spelt == [tokenizer.names[token] for token in tokens]
        assert "".join(spelt) == text


def test_special_entries_are_apart(tokenizer: Tokenizer) -> None:
    """They come first, no text makes them, and they spell nothing."""
    special = [tokenizer.pad, tokenizer.start, tokenizer.end, tokenizer.hidden]
    assert special == [0, 1, 2, 3]
    assert min(tokenizer.encode(CORPUS[0])) >= 4
    assert tokenizer.decode([1, *tokenizer.encode("the cat"), 2, 0, 3]) == "the cat"
    assert len(set(tokenizer.names)) == len(tokenizer)


def test_unknown_characters_are_named(tokenizer: Tokenizer) -> None:
    with pytest.raises(ValueError, match=r"characters \['Z', 'z'\] are unknown"):
        tokenizer.encode("the Zz cat")


def test_there_must_be_text() -> None:
    for empty in ([], [""]):
        with pytest.raises(ValueError, match="there is no text to make a tokenizer from"):
            CharacterTokenizer.of(empty)
        with pytest.raises(ValueError, match="there is no text to make a tokenizer from"):
            PairTokenizer.train(empty, 3)


def test_the_most_frequent_pair_becomes_one() -> None:
    """Counted by hand: of 'aab aab ab', "ab" occurs three times; then "aab" and " aab", twice and once ..."""
    tokenizer = PairTokenizer.train(["aab aab ab"], 1)
    assert tokenizer.names[4:] == (" ", "a", "b", "ab")
    assert tokenizer.pieces("aab aab ab") == ["a", "ab", " ", "a", "ab", " ", "ab"]


def test_each_merge_is_the_most_frequent_one() -> None:
    """Literally: the words spelt with the entries learnt so far, pairs counted over the whole text."""
    words = ["low"] * 3 + ["lower"] * 2 + ["newest"] * 3 + ["wide"]
    for merges in range(6):
        before, after = PairTokenizer.train(words, merges), PairTokenizer.train(words, merges + 1)
        counts = Counter(pair for word in words for pair in pairwise(before.pieces(word)))
        (learnt,) = set(after.names) - set(before.names)
        best = max(counts.values())
        assert learnt in {"".join(pair) for pair, count in counts.items() if count == best}


def test_words_keep_their_space_and_stay_apart() -> None:
    """No entry spans two words, however often they stand together."""
    tokenizer = PairTokenizer.train(["of the"] * 50, 50)
    assert tokenizer.pieces("of the of") == ["of", " the", " ", "of"]


def test_learning_stops_where_nothing_repeats() -> None:
    assert len(PairTokenizer.train(["abc"], 50)) == 4 + 3


def test_alignment_by_hand() -> None:
    """'ab|c|de' with 'a|bc|d|e': after 'abc' and at the end both have read the same."""
    student, teacher = [(0, 2), (2, 3), (3, 5)], [(0, 1), (1, 3), (3, 4), (4, 5)]
    assert alignment(student, teacher) == [-1, 1, 3]
    assert alignment(teacher, student) == [-1, 1, -1, 2]
    assert alignment(student, student) == [0, 1, 2]


@given(text=TEXT)
def test_between_aligned_tokens_both_spell_the_same(text: str) -> None:
    """The last pair of a text is aligned, and so is every student token with the characters' tokenizer."""
    mine, theirs = TOKENIZERS["pairs"].offsets(text), TOKENIZERS["characters"].offsets(text)
    places = alignment(mine, theirs)
    assert all(theirs[place][1] == end for place, (_, end) in zip(places, mine, strict=True))
    back = [place for place in alignment(theirs, mine) if place >= 0]
    assert back == list(range(len(mine)))
