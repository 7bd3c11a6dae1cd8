"""What an interaction tensor says in words, what it really measures, and what weakens it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.diagnostics.interaction.measure_construction import Construction
from workbench.records.wording import number, percent, plural

if TYPE_CHECKING:
    from workbench.diagnostics.interaction.measure import Interaction

DEGENERATE = 100
"""With so few components the 99th percentile over all entries is a component's correlation with itself."""

NEAR, MANY, STRICT = 0.05, 0.25, 0.9


def explained(result: Interaction) -> str:
    """What the numbers say, and what they really measure, in one paragraph."""
    basis = Construction(**result.construction).basis
    text = (
        f"{len(result.owner):,} {basis} components of {plural(len(result.models), 'model')} form {plural(result.features, 'feature')} at a "
        f"correlation above {number(result.threshold)}. "
        f"Features in use: {_in_use(result.group_names, result.unique, result.mean_frequency)}. "
    )
    if len(result.order_features):
        text += f"Scanned in {len(result.order_features)} random orders there are {reach(result.order_features)}. "
    if result.precision:
        shares = ", ".join(f"{name} {percent(found.mean)}" for name, found in result.precision.items())
        recalled = ", ".join(f"{name} {percent(found.mean)}" for name, found in result.recall.items())
        text += f"Share of a model's features that the teachers have too: {shares}. Share of theirs that it has: {recalled}. "
    if result.other:
        counts = _in_use(result.group_names, result.other["unique"], result.other["mean_frequency"])
        text += (
            f"The other construction ({result.other['mode']}) of the same components has {plural(result.other['features'], 'feature')} at "
            f"{number(result.other['threshold'])}; in use: {counts}. "
        )
    return text + MEASURED


def reach(counts: np.ndarray) -> str:
    """From the least to the most, or the one number they all are."""
    low, high = counts.min(), counts.max()
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _in_use(names: Sequence[str], unique: Sequence[int] | np.ndarray, often: Sequence[float] | np.ndarray) -> str:
    found = zip(names, unique, often, strict=True)
    return ", ".join(f"{name} {used:,} on {number(samples)} samples each" for name, used, samples in found)


MEASURED = (
    "What this measures: every model has the same share of its activations switched on, and the count of a single model "
    "says nothing; a group has fewer features where the components of its models coincide: unique features count how "
    "consistent seeds are. Models may coincide from having learnt the same thing, or only from having had one and the "
    "same teacher; the students of several teachers tell these apart. The count depends on threshold, sign and order."
)


def warnings_on(values: Mapping[str, Any]) -> tuple[str, ...]:
    """What weakens an interaction tensor, from its fields."""
    return (*_about_threshold(values), *_about_components(values), *_about_groups(values))


def chance(components: int, samples: int) -> float:
    """The largest correlation to be expected between two models of so many independent components each."""
    return math.sqrt(2 * math.log(2 * components**2) / samples)


def _about_threshold(values: Mapping[str, Any]) -> list[str]:
    found, count = [], len(values["owner"])
    if values["construction"]["threshold"] == "released" and count <= DEGENERATE:
        found.append(
            f"with {count} components in all, the 99th percentile over all entries is the correlation of a component with "
            "itself: nothing can join"
        )
    elif values["construction"]["threshold"] in ("cross99", "released") and values["threshold"] > STRICT:
        found.append(
            f"the percentile of correlations is {values['threshold']:.3f}: more components match than it lets in, and some "
            "of them count as different features"
        )
    elif values["features"] == (values["feature"] >= 0).sum():
        found.append(f"no two components exceed the threshold of {values['threshold']:.2f}: no model shares a feature")
    expected = chance(int(np.bincount(values["owner"]).max()), values["n"])
    if values["threshold"] < expected:
        found.append(
            f"the threshold of {values['threshold']:.2f} is below {expected:.2f}, which {plural(values['n'], 'sample')} show by "
            "chance: unrelated components join; use threshold='null'"
        )
    return found


def _about_components(values: Mapping[str, Any]) -> list[str]:
    found, used = [], values["feature"] >= 0
    if left := int((~used).sum()):
        least = values["construction"]["least_share"]
        found.append(
            f"{left} of {len(used)} components have less than {least:.1%} of their layer's variance and are left out"
        )
    near = float((values["gap"][used] < NEAR).mean())
    if near > MANY:
        found.append(
            f"{near:.0%} of the components are within {NEAR:.0%} of the next one's variance and may turn freely"
        )
    return found


def _about_groups(values: Mapping[str, Any]) -> list[str]:
    sizes = np.bincount(values["group"])
    found = []
    if len(set(sizes.tolist())) > 1:
        shown = ", ".join(f"{name} {size}" for name, size in zip(values["group_names"], sizes, strict=True))
        found.append(f"the groups differ in size ({shown}): their unions cannot be compared; see rarefaction")
    if 1 in sizes:
        found.append("a group has one model only: nothing is known about how much models of it differ")
    return found
