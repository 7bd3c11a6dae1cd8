"""Does one factor alone make the correlation of a sweep, and does another estimate or another loss say the same?

How it is measured: the points of one factor, with those of the base from which every factor starts, are a sweep of their
own. Reading it: a correlation that is there for one factor only is a statement about that factor.
When it misleads: the fewer points, the wider the interval; looking at all factors is looking several times.
"""

from __future__ import annotations

import numpy as np

from workbench.diagnostics.divergence_sweep.measure import FEWEST, DivergenceSweep, divergence_sweep
from workbench.records.arguments import checked_arguments

BASE = "base"


def factors_of(found: DivergenceSweep) -> list[str]:
    """Those that have points enough to be looked at alone."""
    names = [name for name in dict.fromkeys(found.factors) if name != BASE]
    return [name for name in names if len(names) > 1 and len(_kept(found, name)) >= FEWEST]


@checked_arguments
def narrowed(
    found: DivergenceSweep, *, estimator: str | None = None, loss: str | None = None, factor: str | None = None
) -> DivergenceSweep:
    """The same sweep by another estimate, in another loss, or of one factor alone; the correlation is that of the rest.

    Args:
        found: the whole sweep.
        estimator: one of its ``estimators``; the one shown if None.
        loss: one of its ``losses``; likewise.
        factor: points of this factor and those of the base; all of them if None.

    Raises:
        KeyError: there is no such estimate or loss; the message says which there are.
        ValueError: fewer than three points are left.
    """
    kept = _kept(found, factor)
    return divergence_sweep(
        _first(estimator or found.estimator, found.estimators, found.estimates[..., kept]),
        _first(loss or found.loss, found.losses, found.excesses[..., kept]),
        [found.points[k] for k in kept],
        factors=[found.factors[k] for k in kept],
        seeds=found.seeds,
        warnings=found.warnings,
    )


def _kept(found: DivergenceSweep, factor: str | None) -> list[int]:
    return [k for k, name in enumerate(found.factors) if factor in (None, name) or name == BASE]


def _first(name: str, names: tuple[str, ...], values: np.ndarray) -> dict[str, np.ndarray]:
    """All of them by name, one before the others."""
    if name not in names:
        raise KeyError(f"no {name!r} in this sweep; there are {', '.join(names)}")
    named = dict(zip(names, values, strict=True))
    return {name: named[name]} | named
