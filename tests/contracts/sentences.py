"""Rules for what the workbench prints about a result, and results whose numbers are replaced by awkward ones."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.records.interval import Interval
from workbench.records.result import Result
from workbench.records.run import Run

WAY = "more|fewer|less|higher|lower|better|worse|larger|smaller|earlier|later|above|below"
CAUSAL = r"so(?! far\b| few\b| many\b| much\b)|because|therefore|thus|hence|moved|caused|causes|due to|led to|thanks to"
NUMBER = re.compile(r"(?<![\w.,-])[-+]?(\d[\d,]*\.\d+)(?:e-?\d+)?(?![\w.]*\d)")
RULES: dict[str, re.Pattern[str]] = {
    "a direction beside a negative number": re.compile(
        rf"\b({WAY})\b[^.;:()]{{0,16}}\bby [-\u2212]\d|(?<![\de])[-\u2212]\d[\d.,e-]*%?( \w+)? ({WAY})\b"
    ),
    "a number that is none": re.compile(r"\b(nan|NaN|None)\b|(?<!\w)[-+]?inf\b"),
    "a causal word": re.compile(rf"\b({CAUSAL})\b|\bthe teacher (gave|made)\b", re.IGNORECASE),
    "a claim beside its refutation": re.compile(r"outside[^.]*illustrates|nothing[^.]*which shows"),
    "an interval of one value": re.compile(r"(?<![\w.+-])([-+]?\d[\d.,]*(?:e-?\d+)?%?) to \1(?![\w%]|\.\d)"),
    "nothing in parentheses": re.compile(r"\s\(\s*\)|\(\s*[,;]|[,;]\s*\)"),
    "stray spaces": re.compile(r"\S  +\S| [,;.:)](?!\d)|\( "),
    "one of several": re.compile(
        r"(?<![\d.,/])\b1 (samples|seeds|runs|models|arms|methods|students|points|images|checks|steps|gaps)\b"
    ),
}
"""What no text may hold, by the fault it would be."""

AWKWARD: dict[str, Callable[[float], float]] = {
    "negative": lambda value: -abs(value) - 0.123456,
    "zero": lambda value: 0.0,
    "unknown": lambda value: math.nan,
    "huge": lambda value: 1.23456789e9 + value,
    "tiny": lambda value: 1.23456789e-9 * (1 + abs(value)),
    "infinite": lambda value: math.inf,
    "long": lambda value: value + math.pi / 1000,
}
KEPT = {
    "plan",
    "laboratory",
    "construction",
    "config",
    "setting",
    "provenance",
    "books",
    "temperatures",
    "temperature",
    "threshold",
    "radii",
    "shares",
    "grid",
    "steps",
    "made",
}
"""Fields that say how a result was computed: they are not numbers that came out."""


def faults(text: str, *, sentence: bool = False) -> list[str]:
    """The rules that a text breaks, with the place; ``sentence`` also asks for an end."""
    found = [
        f"{rule}: {text[max(0, hit.start() - 30) : hit.end() + 30]!r}"
        for rule, p in RULES.items()
        for hit in p.finditer(text)
    ]
    digits = [hit for hit in NUMBER.findall(text) if len(hit.replace(",", "").replace(".", "").lstrip("0")) > 3]
    found += [f"more than three significant digits: {hit}" for hit in digits]
    if sentence and text and not re.search(r"[.!?]\)?$", text):
        found.append(f"no end: {text[-40:]!r}")
    return found


def said(result: Any) -> Iterator[tuple[str, bool]]:
    """Every text of a result, and whether it has to be a whole sentence."""
    yield result.explain(), True
    yield from ((warning, False) for warning in getattr(result, "warnings", ()))
    yield from (
        (text, False)
        for text in (
            str(result).split("\n")
            if type(result).__str__ is not object.__str__ and hasattr(result, "comparisons")
            else ()
        )
    )


def written(made: go.Figure) -> Iterator[str]:
    """Titles, annotations, labels of axes and everything else that a figure has in words."""

    def strings(node: Any) -> Iterator[str]:
        if isinstance(node, str):
            yield re.sub(r"</?b>|%\{[^}]*\}", "", node.replace("<br>", " "))
        elif isinstance(node, dict):  # what a panel reads stands beside the text
            yield from strings(node.get("text"))
        elif isinstance(node, list | tuple | np.ndarray):
            for each in node:
                yield from strings(each)

    layout, traces = made.layout, made.data
    yield from strings([layout.title.text, *(each.text for each in layout.annotations)])
    for name in (each for each in layout if re.match(r"[xy]axis", each)):
        yield from strings([layout[name].title.text, layout[name].ticktext])
    yield from strings([[getattr(each, "text", None), getattr(each, "customdata", None), each.name] for each in traces])


def variants(result: Result) -> Iterator[tuple[str, Any]]:
    """The result as it is, with every number replaced, with equal numbers everywhere, and without intervals."""
    yield "as it is", result
    for name, change in AWKWARD.items():
        yield name, changed(result, lambda found, change=change: each(found, change), change)
    yield (
        "no interval",
        changed(result, lambda found: replace(found, low=math.nan, high=math.nan, n=1, method="none"), None),
    )
    yield "tied", changed(result, lambda found: replace(found, low=found.mean, high=found.mean), None)
    yield "narrow", changed(result, lambda found: replace(found, low=found.mean - 1e-7, high=found.mean + 1e-7), None)


def each(found: Interval, change: Callable[[float], float]) -> Interval:
    """An interval whose three numbers were changed and are in order again."""
    low, mean, high = sorted(map(change, (found.low, found.mean, found.high)))
    return replace(found, low=low, mean=mean, high=high)


def changed(node: Any, interval: Callable[[Interval], Interval], number: Callable[[float], float] | None) -> Any:
    """A copy with every interval, and every number and array of numbers that came out, replaced."""
    if isinstance(node, Interval):
        return interval(node)
    if isinstance(node, Run) or (type(node).__name__ == "Study" and not isinstance(node, Result)):
        return node
    if is_dataclass(node) and not isinstance(node, type):
        values = {f.name: getattr(node, f.name) for f in fields(node) if f.init and f.name not in KEPT}
        return replace(node, **{name: changed(value, interval, number) for name, value in values.items()})
    if isinstance(node, Mapping):
        return {name: value if name in KEPT else changed(value, interval, number) for name, value in node.items()}
    if isinstance(node, tuple | list):
        return type(node)(changed(value, interval, number) for value in node)
    if number is None or not isinstance(node, float | np.ndarray):
        return node
    if isinstance(node, np.ndarray):
        return np.vectorize(number, otypes=[node.dtype])(node) if node.dtype.kind == "f" and node.size else node
    return number(node)
