"""Generated text says what is true: sums add up, moods follow the grammar; published text is read as published."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.data.text_corpus import answer_of, moods, stories
from workbench.data.text_files import gsm8k, shakespeare, sst2

CHANGE = re.compile(r"(finds|buys|gets|loses|sells|gives away) (\d+)")


def test_stories_add_up() -> None:
    """Told again from the prompt alone, step by step; nothing is lost that was not there."""
    for story in stories(300):
        total, said = int(re.search(r"has (\d+)", story.prompt)[1]), []
        for verb, change in CHANGE.findall(story.prompt):
            sign = "+" if verb in ("finds", "buys", "gets") else "-"
            after = total + int(change) if sign == "+" else total - int(change)
            said.append(f"{total} {sign} {change} = {after}")
            total = after
            assert total >= 0
        assert len(said) == 2
        assert story.rationale == f" {said[0]}, {said[1]}"
        assert story.response == f"{story.rationale}: {total}"
        assert answer_of(story.response) == str(total)


def test_an_answer_may_stand_alone() -> None:
    """The same stories; the rationale stays beside them."""
    for whole, alone in zip(stories(20), stories(20, steps=False), strict=True):
        assert whole == replace(alone, response=alone.rationale + alone.response)


def test_moods_follow_the_grammar() -> None:
    """Decided by the words of the clause that counts."""
    texts, labels = moods(300)
    for text, label in zip(texts, labels, strict=True):
        clause = text.split(" but ")[1] if " but " in text else text.split(" though ")[0]
        good = clause.split()[-1] in ("bright", "clever", "fresh", "moving", "warm", "witty")
        assert label == (good != (" not " in clause))
    assert 100 < sum(labels) < 200


@pytest.mark.parametrize("make", [stories, lambda count, seed=0: moods(count, seed)[0]])
def test_texts_are_different_and_repeatable(make: object) -> None:
    texts = make(500)
    assert len(set(texts)) == 500
    assert make(500) == texts != make(500, seed=1)
    assert make(100) == texts[:100]


def test_there_are_not_endlessly_many() -> None:
    """6 x 6 subjects, 24 x 24 ways to find them, 2 conjunctions."""
    with pytest.raises(
        ValueError, match=r"60000 different texts are asked for, but only about 41[234]\d\d can be made"
    ):
        moods(60_000)


def test_shakespeare_in_pieces(real_data: Path) -> None:
    """1,115,394 characters, 65 different ones."""
    pieces = shakespeare(100)
    assert len(pieces) == 11_153
    assert pieces[0].response.startswith("First Citizen:\nBefore we proceed")
    assert len(set("".join(piece.response for piece in pieces))) == 65
    with pytest.raises(ValueError, match="length = 0 must be positive"):
        shakespeare(0)


def test_sst2_has_its_published_sizes(real_data: Path) -> None:
    sizes = {part: len(sst2(part)[0]) for part in ("train", "dev", "test")}
    assert sizes == {"train": 6920, "dev": 872, "test": 1821}
    assert set(sst2("dev")[1]) == {0, 1}
    with pytest.raises(KeyError, match=r"no part 'valid' in text/sst2; there are train, dev, test"):
        sst2("valid")


def test_gsm8k_has_its_published_sizes_and_answers(real_data: Path) -> None:
    problems = gsm8k("test")
    assert (len(gsm8k("train")), len(problems)) == (7473, 1319)
    assert problems[0].response.endswith("#### 18")
    assert not any("<<" in problem.response for problem in problems)
    assert all(p.response.startswith(p.rationale + "\n####") for p in problems)
