"""How an interaction tensor is made of stacked components: the released way, the mended one, or anything between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.diagnostics.interaction.measure_activity import Omega, Sign, activity, omega_of, signs_of
from workbench.diagnostics.interaction.measure_matches import Assign, Rule, Stack, clusters, linked, threshold_of

Mode = Literal["corrected", "paper"]
Basis = Literal["principal", "independent"]


@dataclass(frozen=True)
class Construction:
    """The choices of which the number of features depends.

    Attributes:
        threshold: what two components must exceed to be one feature: a number, or how it is found. No percentile by
            default: models that share all K components have one match in K pairs, of which one in 100 would be let in.
        sign: how components that are turned around are treated.
        assign: which feature gets a component that several claim: the closest, or the last to claim it; ``average`` for
            average linkage, where none can.
        quantile: of a model's activations that must be exceeded for one to count.
        basis: principal components as they are, or the independent directions of their space (see ``independent``).
        least_share: components with less of their layer's variance are left out; they turn freely into one another.
        orders: how often the scan is repeated in a random order; not at all for ``average``.
        seed: of these orders and of permutations.
    """

    threshold: Rule | float = 0.5
    sign: Sign = "aligned"
    assign: Assign = "best"
    quantile: float = 0.9
    basis: Basis = "principal"
    least_share: float = 0.005
    orders: int = 10
    seed: int = 0


CONSTRUCTIONS: dict[Mode, Construction] = {
    "corrected": Construction(),
    "paper": Construction("released", "paper", "last", least_share=0.0, orders=0),
}
"""``paper`` is the released code: percentile over all entries, last claim wins, one side of an arbitrary sign."""


@dataclass(frozen=True)
class Built:
    """One construction carried out.

    Attributes:
        used: (L,) bool: components that took part.
        feature: (L,) feature of each component, -1 where it took no part.
        sign: (L,) factor of each component.
        omega: the tensor.
        threshold: that was exceeded.
    """

    used: np.ndarray
    feature: np.ndarray
    sign: np.ndarray
    omega: Omega
    threshold: float


def build(found: Stack, share: np.ndarray, construction: Construction) -> Built:
    """Carry a construction out.

    Args:
        found: the components of all models.
        share: (L,) of their layer's variance.
        construction: the choices.

    Raises:
        ValueError: a model has no component left, or a number or a rule that is not allowed.
    """
    used = share >= construction.least_share
    lacking = sorted(set(found.owner) - set(found.owner[used]))
    if lacking:
        least = f"{construction.least_share:.1%} of the variance"
        raise ValueError(f"model {lacking[0]} has no component with {least}; lower least_share")
    part = found.only(used)
    threshold = threshold_of(part, construction.threshold, construction.seed)
    average = construction.assign == "average"
    feature, seeds = linked(part, threshold) if average else clusters(part.strength, threshold, construction.assign)
    signs = signs_of(part, feature, seeds) if construction.sign == "aligned" else np.ones(len(feature))
    active = activity(part, signs, construction.quantile, two_sided=construction.sign == "two_sided")
    omega = omega_of(active, part.owner, feature)
    return Built(used, _spread(used, feature, -1), _spread(used, signs, 0.0), omega, threshold)


def other_orders(
    found: Stack, built: Built, construction: Construction, members: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of features when the scan begins elsewhere: (R,) in all, (R, G) among the components of each group."""
    part = found.only(built.used)
    generator = np.random.default_rng(construction.seed)
    total, by_group = [], []
    for _ in range(0 if construction.assign == "average" else construction.orders):
        order = generator.permutation(len(part.owner))
        feature, seeds = clusters(part.strength, built.threshold, construction.assign, order)
        total.append(len(seeds))
        by_group.append([len(np.unique(feature[np.isin(part.owner, each)])) for each in members])
    return np.array(total, np.int64), np.array(by_group, np.int64).reshape(len(total), len(members))


def _spread(used: np.ndarray, values: np.ndarray, missing: float) -> np.ndarray:
    found = np.full(len(used), missing, values.dtype)
    found[used] = values
    return found
