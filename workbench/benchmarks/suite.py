"""All benchmarks by name, each in the file that says what it measures."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
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
    "store": "store:stored",
    "cuda": "cuda:cuda",
}


def run(names: list[str] | None, size: Size) -> Iterator[tuple[str, list[Measurement]]]:
    """Measure, one after the other; each is yielded as soon as it is done.

    Raises:
        KeyError: no such benchmark.
    """
    for name in names or []:
        if name not in HOMES:
            near = get_close_matches(name, HOMES, 3, 0.5) or list(HOMES)
            raise KeyError(f"no benchmark {name!r}; nearest: {', '.join(near)}")
    for name in names or HOMES:
        yield name, _benchmark(name)(size)


def _benchmark(name: str) -> Callable[[Size], list[Measurement]]:
    module, _, function = HOMES[name].partition(":")
    return getattr(importlib.import_module(f"workbench.benchmarks.{module}"), function)
