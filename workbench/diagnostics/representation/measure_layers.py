"""From features by layer to tables of similarities, their p values, intervals and hints; see ``representation``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.arrays import numbers, plain, same_samples
from workbench.maths.intervals import critical
from workbench.records.wording import plural

if TYPE_CHECKING:
    from torch import Tensor

    from workbench.maths.representations import Portrait

Features = Mapping[str, ArrayLike]
Tell = Callable[[float, str], object]
PERMUTATIONS, GROUPS = 199, 10


def check(sides: Mapping[str, Features], ids: tuple[ArrayLike, ArrayLike] | None) -> None:
    """Refuse what is not about the same samples in the same order.

    Raises:
        ValueError: no layer, other numbers of samples, other ids, or a control with other layers.
    """
    if empty := [side for side, features in sides.items() if not len(features)]:
        raise ValueError(f"no layers of {' and '.join(empty)} are given")
    lengths = {
        f"{side} {layer}": len(plain(f, f"features of {side} {layer!r}"))
        for side, found in sides.items()
        for layer, f in found.items()
    }
    if len(set(lengths.values())) > 1:
        raise ValueError(
            "the layers are of different samples: " + ", ".join(f"{k} has {n}" for k, n in lengths.items())
        )
    if "control" in sides and list(sides["control"]) != list(sides["student"]):
        raise ValueError(f"the control has layers {list(sides['control'])}, the student {list(sides['student'])}")
    if ids is not None:
        same_samples(dict(zip(("student", "teacher"), ids, strict=True)), next(iter(lengths.values())))


def portraits(side: str, features: Features, tell: Tell) -> dict[str, Portrait]:
    """What each layer contributes to every measure.

    Raises:
        ValueError: a value is not finite, too few samples, or the same features for all of them.
    """
    import torch

    from workbench.maths.representations import portrait

    found = {}
    for done, (layer, each) in enumerate(features.items()):
        tell(0.5 * done / len(features), f"{side} {layer}")
        table = torch.from_numpy(np.array(numbers(each, f"features of {side} {layer!r}"), np.float64))
        try:
            found[layer] = portrait(table)
        except ValueError as error:
            raise ValueError(f"{side} {layer!r}: {error}") from error
    return found


def measures() -> tuple[str, ...]:
    """The names of all measures, ``cka`` first."""
    from workbench.maths.representations import MEASURES

    return tuple(MEASURES)


def table_of(mine: Mapping[str, Portrait], theirs: Mapping[str, Portrait]) -> np.ndarray:
    """Every measure of every pair of layers, (M, S, T)."""
    from workbench.maths.representations import MEASURES

    return np.array([[[ask(a, b) for b in theirs.values()] for a in mine.values()] for ask in MEASURES.values()])


def p_values_of(
    mine: Mapping[str, Portrait], theirs: Mapping[str, Portrait], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of permutations of the samples that reach the ``cka`` that was seen: in that pair, and in any; (S, T) each."""
    import torch

    from workbench.maths.representations import permuted_cosines

    generator = torch.Generator().manual_seed(seed)
    left, right = (torch.stack([each.linear for each in side.values()]) for side in (mine, theirs))
    orders = torch.stack([torch.randperm(left.shape[1], generator=generator) for _ in range(PERMUTATIONS)])
    seen = permuted_cosines(left, right, torch.arange(left.shape[1])[None])
    shuffled = permuted_cosines(left, right, orders)
    reached = [(each >= seen - 1e-12).sum(0) for each in (shuffled, shuffled.amax((1, 2), keepdim=True))]
    alone, among_all = (((1 + each) / (1 + PERMUTATIONS)).numpy() for each in reached)
    return alone, among_all


def bounds_of(
    mine: Mapping[str, Portrait],
    theirs: Mapping[str, Portrait],
    cka: np.ndarray,
    alone: Mapping[str, Portrait] | None,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """T intervals from leaving out one of ten groups of samples at a time.

    Args:
        mine: layers of the student.
        theirs: of the teacher.
        cka: (S, T) of the two.
        alone: layers of the control; None without one.
        seed: of the groups.

    Returns:
        (2, S, T) bounds of ``cka``, and of ``cka`` minus the control's; NaN without a control or with too few samples.
    """
    import torch

    from workbench.maths.representations import permuted_cosines, u_centred

    n, unknown = len(next(iter(mine.values())).linear), np.full((2, *cka.shape), np.nan)
    groups = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).tensor_split(GROUPS)
    if n < 2 * GROUPS:
        return unknown, unknown

    def linear(side: Mapping[str, Portrait]) -> Tensor:
        return torch.stack([each.linear for each in side.values()])

    def without(side: Tensor, group: Tensor) -> np.ndarray:
        kept = torch.ones(n, dtype=torch.bool).index_fill(0, group, value=False)
        pair = [torch.stack([u_centred(gram[kept][:, kept]) for gram in each]) for each in (side, linear(theirs))]
        return permuted_cosines(*pair, torch.arange(int(kept.sum()))[None])[0].numpy()

    left_out = np.stack([without(linear(mine), group) for group in groups])
    bounds = _jackknife(cka, left_out).clip(max=1.0)
    if alone is None:
        return bounds, unknown
    reference = permuted_cosines(linear(alone), linear(theirs), torch.arange(n)[None])[0].numpy()
    others = np.stack([without(linear(alone), group) for group in groups])
    return bounds, _jackknife(cka - reference, left_out - others)


def _jackknife(value: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """(2, ...) bounds of a value from the values (GROUPS, ...) without each of the groups."""
    error = np.sqrt((GROUPS - 1) / GROUPS * ((left_out - left_out.mean(0)) ** 2).sum(0))
    half = float(critical(GROUPS, 0.95)) * error
    return np.stack([value - half, value + half])


def hints_of(
    mine: Sequence[str], theirs: Sequence[str], cka: np.ndarray, p_values: np.ndarray
) -> tuple[dict[str, Any], ...]:
    """For each student layer the teacher layer most like it, the best pair first."""
    best = cka.argmax(1)
    found = [
        {"student": layer, "teacher": theirs[j], "cka": float(cka[i, j]), "p": float(p_values[i, j])}
        for i, (layer, j) in enumerate(zip(mine, best, strict=True))
    ]
    return tuple(sorted(found, key=lambda pair: -pair["cka"]))


def warnings_of(n: int, portraits: Sequence[Portrait]) -> tuple[str, ...]:
    """What weakens the numbers."""
    found = []
    if n < 50:
        found.append(f"only {plural(n, 'sample')}: every measure is rough")
    if any(each.features.shape[1] >= n for each in portraits):
        found.append(
            "some layers are as wide as there are samples: only cka, gaussian_cka, rsa and neighbours say anything"
        )
    if any(each.kept > n / 5 for each in portraits):
        found.append(
            "svcca and pwcca look at more than a fifth as many directions as there are samples: they come out high"
        )
    return tuple(found)
