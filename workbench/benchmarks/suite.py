"""All benchmarks by name, each in the file that says what it measures."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches

from workbench.benchmarks.measurement import Measurement, Size

HOMES = {
    "import": "start:imported",
    "first": "start:first_distillation",
    "digits": "steps:digits_steps",
    "resnet": "steps:resnet_steps",
    "live": "live:live",
    "views": "views:redrawn",
    "agreement": "agreement:agreed",
    "interaction": "interaction:interaction",
    "attribution": "attribution:attributed",
    "ledger": "ledger:ledger",
    "probes": "probes:probed",
    "store": "store:stored",
    "identity": "identity:identified",
    "cuda": "cuda:cuda",
    "methods": "methods:methods",
}

LONG = ("methods",)
"""Measured only if they are asked for."""


def run(names: list[str] | None, size: Size) -> Iterator[tuple[str, list[Measurement]]]:
    """Measure, one after the other; each is yielded as soon as it is done, of a long one every entry.

    Raises:
        KeyError: no such benchmark.
    """
    for name in names or []:
        if name not in HOMES:
            near = get_close_matches(name, HOMES, 3, 0.5) or list(HOMES)
            raise KeyError(f"no benchmark {name!r}; nearest: {', '.join(near)}")
    for name in names or [name for name in HOMES if name not in LONG]:
        found = _benchmark(name)(size)
        if isinstance(found, list):
            yield name, found
        else:
            yield from ((entry.name, [entry]) for entry in found)


def _benchmark(name: str) -> Callable[[Size], Iterable[Measurement]]:
    module, _, function = HOMES[name].partition(":")
    return getattr(importlib.import_module(f"workbench.benchmarks.{module}"), function)
