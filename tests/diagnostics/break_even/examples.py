"""Examples of break-evens: demonstrated, not demonstrated, never, and not known."""

from __future__ import annotations

from tests.diagnostics.energy.ledgers import pair
from tests.examples import HOSTILE
from workbench.diagnostics.break_even.measure import BreakEven, break_even
from workbench.diagnostics.break_even.measure_parts import Assumptions


def results() -> list[BreakEven]:
    return [break_even(pair(), reuse=2, served=2000)]


def incomplete() -> list[BreakEven]:
    unknown = pair()
    for each in (each for some in unknown.values() for each in some):
        each["serving"] = {}
    never = break_even(pair(), assuming=Assumptions(allocation=1.0))
    return [break_even(unknown, served=10), never, break_even(pair(saved=0.0)), break_even(pair(seeds=1))]


def hostile() -> list[BreakEven]:
    books = pair()
    return [break_even({"labels_only": books["labels_only"], HOSTILE: books["kd"]})]
