"""When and how steadily a net finds what it keeps: knowledge points over the checkpoints of a training.

How it is measured: knowledge points are counted at K checkpoints of one net; time is the way its weights have gone, all
optimiser steps added up. ``knowledge_speed_of`` looks on while a student is trained, and leaves its training as it is.

Formula: for the weight matrices w of one layer, and N(k) points on the object at checkpoint k of an image,
    path(k) = sum over optimiser steps up to k of |step of w| / |w at the start|;   peak = argmax_k N(k), the first one
    D_mean, D_spread: mean and variance over images of path(peak);   slope = mean of N(peak) / path(peak)
    stability = points at the end / points at any time, mean over images

Reading it: small D_mean and D_spread mean that all images are learnt early and together, a large slope that much is found
on a short way, a stability near 1 that nothing is found and given up again. Cheng et al. expect all of them of a student
with a teacher: ask the same of one that is trained on labels only.
When it misleads: few checkpoints; one training. The variance, not the standard deviation, is called D_spread, as in the
released code. An image whose peak is at the start has no slope, and one that never has a point no stability.
After: Cheng et al. 2020, section 3, and their code, which counts those without points as 0.
Cost: that of the points at every checkpoint; 16 images and a small ConvNet in about 2 s each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.arrays import numbers, truths
from workbench.diagnostics.knowledge_points.measure_counts import over_images
from workbench.maths.resampling import percentile_interval, resampled
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, estimate
from workbench.records.parameters import spoken
from workbench.records.result import Result
from workbench.records.wording import number, percent, plural

if TYPE_CHECKING:
    from torch import Tensor, nn

    from workbench.records.events import Event

FEW = 5
PROVENANCE = {
    "paper": "Cheng et al.: Explaining Knowledge Distillation by Quantifying the Knowledge, CVPR 2020, arXiv:2003.03622",
    "fidelity": "corrected",
    "ours": "intervals; images without any point, or with their peak at the start, are left out instead of being 0",
}


@dataclass(frozen=True)
class KnowledgeSpeed(Result):
    """Learning of I images over K checkpoints.

    Attributes:
        path: (K,) length of the weights' way so far, relative to where they began.
        on_object: (K, I) points on the object.
        course: K means of these over images.
        peak: (I,) path at which each image had most of them, the first time.
        d_mean: mean over images of ``peak``.
        d_spread: its variance over images.
        slope: mean over images of the points at the peak for the way to it.
        stability: points on the object at the end over those at any time, mean over images; ``beside`` and ``all`` likewise.
        stability_beside: of points beside the object.
        stability_all: of all points.
        layer: whose weights and output.
        n: images.
        seed: of the intervals.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
    """

    path: np.ndarray
    on_object: np.ndarray
    course: tuple[Interval, ...]
    peak: np.ndarray
    d_mean: Interval
    d_spread: Interval
    slope: Interval
    stability: Interval
    stability_beside: Interval
    stability_all: Interval
    layer: str
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        return (
            f"Over {plural(len(self.path), 'checkpoint')} of {self.layer}, each of {plural(self.n, 'image')} has most knowledge "
            f"points on the object at some path length of the weights: {estimate(self.d_mean)} on average, with a variance of "
            f"{number(self.d_spread.mean)}. Share of all points ever found on the object that remain at the end: "
            f"{percent(self.stability.mean)}."
        )


@checked_arguments
def knowledge_speed(
    points: ArrayLike, foreground: ArrayLike, path: ArrayLike, *, layer: str = "the layer", seed: Seed = 0
) -> KnowledgeSpeed:
    """Speed and stability from the points of every checkpoint.

    Args:
        points: (K, I, G, G) True where a cell was a knowledge point.
        foreground: (I, G, G) or (G, G) True on the object.
        path: (K,) as ``watch.weight_path`` gives it.
        layer: its name.
        seed: of the intervals.

    Raises:
        ValueError: shapes do not fit, or no checkpoint or image.
    """
    points = truths(points, "points", shape="(K, I, G, G)", ndim=4)
    path = numbers(path, "path", shape="(K,)", ndim=1).astype(np.float64)
    if points.ndim != 4 or len(points) != len(path) or 0 in points.shape[:2]:
        raise ValueError(f"points {points.shape} and path {path.shape}: (K, I, G, G) and (K,) are needed")
    inside = truths(foreground, "foreground")
    if inside.shape not in (points.shape[1:], points.shape[2:]):
        raise ValueError(f"foreground {inside.shape} for points {points.shape}: (I, G, G) or (G, G) is needed")
    inside = np.broadcast_to(inside, points.shape[1:])
    on = (points & inside).sum((-2, -1))
    peak = path[on.argmax(0)]
    kept = [_kept(points & side) for side in (inside, ~inside, np.ones_like(inside))]
    return KnowledgeSpeed(
        path=path,
        on_object=on,
        course=tuple(over_images(each.astype(float)) for each in on),
        peak=peak,
        d_mean=over_images(peak),
        d_spread=_variance(peak, seed),
        slope=over_images(_ratio(on.max(0), peak)),
        stability=over_images(kept[0]),
        stability_beside=over_images(kept[1]),
        stability_all=over_images(kept[2]),
        layer=layer,
        n=points.shape[1],
        seed=seed,
        warnings=_warnings(on),
        provenance=dict(PROVENANCE),
    )


@checked_arguments
def knowledge_speed_of(
    training: Iterable[Event],
    student: Callable[[], nn.Module],
    images: Tensor,
    *,
    layer: str | None = None,
    every: int = 1,
    tell: Callable[[float, str], object] | None = None,
    **choices: Any,
) -> KnowledgeSpeed:
    """Watch a student being trained, and count what it keeps at the start, after epochs, and at the end of every stage.

    The student's weights are compared after each of its steps. With the engine::

        going = Distillation(setting, method, budget, seed, Conditions(checkpoint=False))
        events = going.run(Controls(method))
        knowledge_speed_of(events, lambda: going.trial.parties["student"], images)

    Args:
        training: the events of a distillation, or of a loop of your own that yields ``Stage``, ``Step`` and ``Epoch``;
            it is driven to its end.
        student: gives the net as it stands.
        images: (I, C, H, W) as the net sees them.
        layer: whose weights and output; the last stage of the student by default.
        every: so many epochs lie between two checkpoints.
        tell: called with the share done in [0, 1] and a message; ``StopIteration`` from it keeps the checkpoints there are.
        **choices: of ``knowledge_points``: foreground, threshold, mode, seed.

    Raises:
        ValueError: no such layer or one without weights, the training went on from a checkpoint, or it made no step.
        RuntimeError: the training failed.
    """
    from workbench.diagnostics.knowledge_points.measure_watch import Watch

    if not isinstance(training, Iterable):
        raise TypeError(f"training is {spoken(training)}; the events of a distillation are needed")
    watch, notes = Watch(student, images, layer, every, choices), ()
    try:
        for event in training:
            if (share := watch.note(event)) is not None and tell is not None:
                tell(share, f"{plural(len(watch.looks), 'checkpoint')} looked at")
    except (StopIteration, KeyboardInterrupt):
        notes = (f"stopped after {plural(len(watch.looks), 'checkpoint')}",)
    found = knowledge_speed(*watch.found(), layer=watch.layer)
    about = {
        "fidelity": watch.looks[-1].mode,
        "ours": f"{PROVENANCE['ours']}; of the points: {watch.looks[-1].provenance['ours']}",
    }
    return replace(found, warnings=(*notes, *watch.looks[-1].warnings, *found.warnings), provenance=PROVENANCE | about)


def _kept(points: np.ndarray) -> np.ndarray:
    """(I,) points at the end over points at any time; NaN where there never was one."""
    return _ratio(points[-1].sum((-2, -1)), points.any(0).sum((-2, -1)))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)


def _variance(values: np.ndarray, seed: int) -> Interval:
    n, found = len(values), float(values.var())
    if n < 2:
        return Interval(found, np.nan, np.nan, n, "none")
    drawn = resampled(n, lambda counts: counts @ values**2 / n - (counts @ values / n) ** 2, seed=seed)
    return percentile_interval(np.maximum(drawn, 0), found, n)


def _warnings(on: np.ndarray) -> tuple[str, ...]:
    found = [f"fewer than {FEW} checkpoints: peaks are rough"] if len(on) < FEW else []
    if never := int((on.max(0) == 0).sum()):
        found.append(
            f"images that never have a point on the object: {never}; their peak is taken to be the first checkpoint"
        )
    return tuple(found)
