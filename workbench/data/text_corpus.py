"""Generated text: sums told as little stories, with reasons and answers, and sentences whose mood must be worked out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from workbench.data.text_sets import Passage

NAMES = ("ann", "ben", "eva", "kim", "leo", "mia", "sam", "tom")
THINGS = ("pens", "eggs", "cups", "nuts", "bags", "hats")
GAINS = ("finds", "buys", "gets")
LOSSES = ("loses", "sells", "gives away")
MOST = 9
"""Largest number of a story; amounts at hand reach three times as much."""

SUBJECTS = ("the plot", "the cast", "the music", "the ending", "the script", "the acting")
GOOD = ("bright", "clever", "fresh", "moving", "warm", "witty")
BAD = ("dull", "flat", "lazy", "loud", "stale", "weak")
MOODS = ("bad", "good")
PATIENCE = 1000
"""So many repeats in a row mean that nearly all texts were drawn."""


def stories(count: int, seed: int = 0, *, steps: bool = True) -> list[Passage]:
    """Different stories of two steps, such as "ann has 3 pens, finds 4 and loses 2. how many?".

    The rationale spells out both steps, " 3 + 4 = 7, 7 - 2 = 5"; the response is the rationale and the answer, ": 5".
    What is lost was always there.

    Args:
        count: how many.
        seed: of the draw.
        steps: False leaves the rationale out of the response.

    Raises:
        ValueError: there are not so many different ones.
    """
    made = [_passage(*key) for key in _different(count, seed, _story)]
    return made if steps else [replace(story, response=f": {answer_of(story.response)}") for story in made]


def moods(count: int, seed: int = 0) -> tuple[list[str], list[int]]:
    """Different sentences such as "the plot was not dull but the cast was flat", and their mood, 0 bad and 1 good.

    "not" turns an adjective round, and of two clauses the one after "but" counts, or the one after "though" does not.

    Args:
        count: how many.
        seed: of the draw.

    Raises:
        ValueError: there are not so many different ones.
    """
    drawn = _different(count, seed, _review)
    return [text for text, _ in drawn], [mood for _, mood in drawn]


def answer_of(response: str) -> str:
    """The answer at the end of a story's response."""
    return response.rpartition(":")[2].strip()


def _different(count: int, seed: int, make: Callable[[Callable[[int], int]], tuple]) -> list[tuple]:
    draw, found, repeats = Random(seed).randrange, {}, 0
    while len(found) < count and repeats < PATIENCE:
        made = make(draw)
        repeats = repeats + 1 if made in found else 0
        found[made] = None
    if len(found) < count:
        raise ValueError(f"{count} different texts are asked for, but only about {len(found)} can be made")
    return list(found)


def _story(draw: Callable[[int], int]) -> tuple:
    amount, steps = 1 + draw(MOST), []
    total = amount
    for _ in range(2):
        gains = draw(2) == 1 or total == 0
        change = 1 + draw(MOST if gains else min(MOST, total))
        verb = draw(len(GAINS if gains else LOSSES))
        steps.append((gains, change, verb))
        total += change if gains else -change
    return NAMES[draw(len(NAMES))], THINGS[draw(len(THINGS))], amount, *steps


def _passage(name: str, thing: str, amount: int, *steps: tuple[bool, int, int]) -> Passage:
    acts, reasons, total = [], [], amount
    for gains, change, verb in steps:
        after = total + change if gains else total - change
        acts.append(f"{(GAINS if gains else LOSSES)[verb]} {change}")
        reasons.append(f"{total} {'+' if gains else '-'} {change} = {after}")
        total = after
    prompt = f"{name} has {amount} {thing}, {' and '.join(acts)}. how many?"
    rationale = f" {', '.join(reasons)}"
    return Passage(prompt, f"{rationale}: {total}", rationale)


def _review(draw: Callable[[int], int]) -> tuple[str, int]:
    clauses, good = [], []
    for _ in range(2):
        bright, turned = draw(2), draw(2)
        adjective = (GOOD if bright else BAD)[draw(len(GOOD))]
        clauses.append(f"{SUBJECTS[draw(len(SUBJECTS))]} was {'not ' if turned else ''}{adjective}")
        good.append(bright ^ turned)
    if draw(2):
        return f"{clauses[0]} but {clauses[1]}", good[1]
    return f"{clauses[0]} though {clauses[1]}", good[0]
