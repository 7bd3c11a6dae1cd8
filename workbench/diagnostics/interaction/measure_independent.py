"""Components of nearly equal variance turn freely into each other: which directions of their space are independent?

How it is measured: the principal components of a layer are turned and scaled until what they say is as independent as it
can be (FastICA), which singles out directions even where all variances are equal. The space stays the same.

Formula: ``sources = (scores - mean) @ U`` with variance 1 and as little Gaussian as can be;  ``scores - mean = sources @ A``;
the share of a source is ``|A_k|^2`` of the sum, times the share of the whole space.
Reading it: if models share more of these than of their principal components, the latter had only turned.
When it misleads: Gaussian directions have no independent ones among them, so they turn as freely as before; components of
little variance are scaled up like the others, so they are left out first.
After: Hyvarinen 1999, as in scikit-learn; to match features by it is ours.
Cost: O(N K^2) for a step, at most ``STEPS`` of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np

from workbench.diagnostics.interaction.measure_components import Components
from workbench.diagnostics.interaction.measure_construction import Construction

STEPS, TOLERANCE = 500, 1e-3


def independent(found: Components, *, least_share: float = 0.005, seed: int = 0) -> Components:
    """The same space by its independent directions, the largest first.

    Args:
        found: the principal components.
        least_share: components with less of the variance are left out.
        seed: of the turn the search begins with.

    Raises:
        ValueError: no component has so much variance.
    """
    from sklearn.decomposition import FastICA

    count = int((found.shares >= least_share).sum())
    if not count:
        raise ValueError(f"no component has {least_share:.1%} of the variance; lower least_share")
    space = found.first(count)
    search = FastICA(whiten="unit-variance", max_iter=STEPS, tol=TOLERANCE, random_state=seed)
    search.fit(space.scores.astype(np.float64))
    lengths = np.linalg.norm(search.mixing_, axis=0)
    order = np.argsort(-lengths, kind="stable")
    turn = (search.components_.T * lengths)[:, order]
    shares = space.shares.sum() * lengths[order] ** 2 / (lengths**2).sum()
    scores, directions = ((each @ turn).astype(np.float32) for each in (space.scores, space.directions))
    return Components(scores, shares, np.full(count, np.nan), directions, found.centre)


def parts_of(found: Mapping[str, Components], construction: Construction) -> tuple[list[Components], list[str]]:
    """The components that a construction asks for, model by model, and a warning of searches that did not end.

    Raises:
        ValueError: there is no such basis, or as ``independent``.
    """
    if construction.basis == "principal":
        return list(found.values()), []
    if construction.basis != "independent":
        raise ValueError(f"no basis {construction.basis!r}; there are principal and independent")
    from sklearn.exceptions import ConvergenceWarning

    turned, restless = [], []
    for name, each in found.items():
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            turned.append(independent(each, least_share=construction.least_share, seed=construction.seed))
        restless += [name] * any(issubclass(one.category, ConvergenceWarning) for one in said)
    words = f"{', '.join(restless)}: the search for independent directions did not end in {STEPS} steps"
    return turned, [words] if restless else []
