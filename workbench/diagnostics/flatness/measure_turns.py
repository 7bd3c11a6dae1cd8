"""One net after another; what is done is kept when one is stopped.

Reading it: progress is told as the share of all nets, with the name of the one that is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from workbench.diagnostics.flatness.measure_objective import Objective

Tell = Callable[[float, str], object]
Found = TypeVar("Found")


def in_turn(
    objectives: Mapping[str, Objective], ask: Callable[[Objective, Tell], Found], tell: Tell | None = None
) -> tuple[dict[str, Found], list[str]]:
    """Ask every net, and say what to warn of.

    Args:
        objectives: by model, its loss as a function of its weights.
        ask: of one net; is told how to tell the share done of it.
        tell: called with the share of all done in [0, 1] and a message; nets that are done are kept when it raises ``StopIteration``.

    Raises:
        ValueError: there is no net.
    """
    if not objectives:
        raise ValueError("no net is given; one or more are needed")
    found: dict[str, Found] = {}
    try:
        for position, (model, objective) in enumerate(objectives.items()):
            found[model] = ask(objective, _within(tell, model, position, len(objectives)))
    except (KeyboardInterrupt, StopIteration):
        if not found:
            raise
        return found, [f"stopped after {', '.join(found)}; nothing is known of the others"]
    return found, []


def _within(tell: Tell | None, model: str, position: int, count: int) -> Tell:
    if tell is None:
        return lambda share, words: None
    return lambda share, words: tell((position + share) / count, f"{model}: {words}")
