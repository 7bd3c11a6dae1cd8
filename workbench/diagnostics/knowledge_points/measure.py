"""What in an image does a net keep, and does its teacher make it keep more of the object, sooner and more steadily?

How it is measured: every cell of a coarse grid is given as much noise as the features of a layer bear. Cells that bear
clearly less than the background are knowledge points: the net has kept what is there. They are counted inside and outside
of the object for teacher, student and a control student.

Formula:
    sigma minimises  mean |relu f(x + sigma e) - relu f(x)|^2  at a mean entropy of -2.8 nats
    H = log sigma + log(2 pi e) / 2, the entropy;  a cell is a point where  mean of H over the background - H > threshold
    ratio = points on the object / all points;  over checkpoints k with path w_k = sum of |step| / |w_0|:
    peak = checkpoint with most points on the object;  D_mean, D_spread: mean and variance over images of w_peak;
    stability = points at the end / points at any time, mean over images

Reading it: Cheng et al. expect of a distilled student more points on the object, a larger ratio, smaller D_mean and D_spread,
and a larger stability than of the same student without a teacher. Maps are compared at the same mean entropy.
When it misleads: counts are only comparable at one threshold, for which no reason is given; move it. Without masks the
middle of the picture stands for the object. Layers of different nets are different things.
After: Cheng, Rao, Chen, Zhang: Explaining Knowledge Distillation by Quantifying the Knowledge, CVPR 2020, and its code,
from which the threshold of 0.2 is. ``corrected`` holds the mean entropy and seeks log sigma with Adam; ``paper`` takes 80
plain steps in sigma down the change less 6 times the mean of log sigma and keeps the step whose mean entropy comes nearest
to -2.8, compares with the background of all images, counts a ratio of 0 where there is no point, and has a larger box.
Cost: steps x draws passes per image; 32 images of 8 x 8 through three small nets in about 10 s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.knowledge_points.measure_counts import Mode, counts_of, points_of, warnings_of
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, bounds
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.wording import number, percent, plural, signed

if TYPE_CHECKING:
    from torch import Tensor, nn

    from workbench.settings.setting import Setting

Tell = Callable[[float, str], object]
IMAGES, GRID, THRESHOLD = 32, 8, 0.2
PROVENANCE = {
    "paper": "Cheng et al.: Explaining Knowledge Distillation by Quantifying the Knowledge, CVPR 2020, arXiv:2003.03622",
    "fidelity": "corrected",
    "ours": "the mean entropy held and Adam on log sigma, each image's own background, intervals",
}


@dataclass(frozen=True)
class KnowledgePoints(Result):
    """Knowledge points of M nets on I images of G x G cells.

    Attributes:
        mode: ``corrected`` or ``paper``.
        nets: M names.
        entropy: (M, I, G, G) of the noise each cell bears; NaN where noise changes nothing.
        foreground: (I, G, G) True on the object.
        images: (I, C, H, W).
        ids: (I,) of the images.
        threshold: how much less than the background a point bears.
        on_object: mean number of points on the object, an interval over images per net.
        beside: the same of points beside it.
        ratio: the same of the share of points that are on the object.
        gained: by how many points on the object the student exceeds the control, paired; NaN without a control.
        layers: M names of the layers.
        n: images.
        seed: of the noise.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
    """

    mode: Mode
    nets: tuple[str, ...]
    entropy: np.ndarray
    foreground: np.ndarray
    images: np.ndarray
    ids: np.ndarray
    threshold: float
    on_object: tuple[Interval, ...]
    beside: tuple[Interval, ...]
    ratio: tuple[Interval, ...]
    gained: Interval
    layers: tuple[str, ...]
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    @property
    def points(self) -> np.ndarray:
        """(M, I, G, G) True where a cell is a knowledge point."""
        return points_of(self.entropy, self.foreground, self.threshold, self.mode)

    def at(self, threshold: float) -> KnowledgePoints:
        """The same maps with another threshold."""
        counts = counts_of(self.nets, self.entropy, self.foreground, threshold, self.mode)
        return replace(self, threshold=threshold, **counts)

    def rows(self) -> list[dict[str, Any]]:
        """The counts of every net, and the difference."""
        kinds = {"points on the object": self.on_object, "points beside it": self.beside, "ratio": self.ratio}
        found = [
            {"quantity": f"{kind}, {net}", "value": each.mean, "low": each.low, "high": each.high}
            for kind, intervals in kinds.items()
            for net, each in zip(self.nets, intervals, strict=True)
        ]
        gained = {"value": self.gained.mean, "low": self.gained.low, "high": self.gained.high}
        return [
            *found,
            {"quantity": "gained over control", **gained},
            {"quantity": "threshold", "value": self.threshold},
        ]

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        each = [
            f"the {net} has {number(points.mean)} knowledge points on the object ({percent(ratio.mean)} of its points)"
            for net, points, ratio in zip(self.nets, self.on_object, self.ratio, strict=True)
            if np.isfinite(points.mean)
        ]
        where = f"On {plural(self.n, 'image')}, at a threshold of {number(self.threshold)} nats"
        if not each:
            return f"{where}, the knowledge points of no net are known."
        text = f"{where}, means over images: {'; '.join(each)}."
        if np.isfinite(self.gained.mean):
            text += f" Points on the object, student minus control: {signed(self.gained.mean)} ({bounds(self.gained)})."
        return text


@checked_arguments
def knowledge_points(
    nets: Mapping[str, Callable[[Tensor], Tensor]],
    images: Tensor,
    *,
    foreground: ArrayLike | None = None,
    threshold: float = THRESHOLD,
    mode: Mode = "corrected",
    seed: Seed = 0,
    tell: Tell | None = None,
) -> KnowledgePoints:
    """Count what nets keep.

    Args:
        nets: by name, images to the features of a layer; ``student`` and ``control`` are compared with each other.
        images: (I, C, H, W).
        foreground: (I, G, G) where the object is; the middle of the picture by default.
        threshold: how much less noise than the background a point bears, in nats.
        mode: how the noise is sought and points are counted.
        seed: of the noise, the same for all nets.
        tell: called with the share done in [0, 1] and the net; may raise ``StopIteration`` to leave the remaining nets out.

    Raises:
        ValueError: the inputs are not images, no net, or a foreground of another shape.
    """
    import torch

    from workbench.diagnostics.knowledge_points import measure_noise as noise

    if images.dim() != 4 or not len(images) or not nets:
        raise ValueError(
            f"knowledge points need nets and images (I, C, H, W); got {len(nets)} nets and {tuple(images.shape)}"
        )
    grid, found, notes = min(GRID, *images.shape[-2:]), {}, []
    mended = mode == "corrected"
    seek = noise.noise_entropies if mended else noise.released_entropies
    box = noise.central_box if mended else noise.released_box
    inside = box(grid).numpy() if foreground is None else np.asarray(foreground, bool)
    if inside.shape[-2:] != (grid, grid):
        raise ValueError(f"the foreground is {inside.shape}; the grid has {grid} x {grid} cells")
    try:
        for done, (name, ask) in enumerate(nets.items()):
            (tell or (lambda share, words: None))(done / len(nets), f"noise for {name}")
            found[name] = seek(ask, images, grid, torch.Generator().manual_seed(seed)).cpu().numpy()
    except (StopIteration, KeyboardInterrupt):
        notes.append(f"stopped after {len(found)} of {len(nets)} nets")
    if not found:
        raise ValueError("stopped before the first net was looked at")
    entropy = np.stack([*found.values()])
    inside = np.broadcast_to(inside, entropy.shape[1:]).copy()
    return KnowledgePoints(
        mode=mode,
        nets=tuple(found),
        entropy=entropy,
        foreground=inside,
        images=images.cpu().numpy(),
        ids=np.arange(len(images)),
        threshold=threshold,
        **counts_of(tuple(found), entropy, inside, threshold, mode),
        layers=("",) * len(found),
        n=len(images),
        seed=seed,
        warnings=(*notes, *warnings_of(entropy, masked=foreground is not None)),
        provenance=PROVENANCE | ({} if mended else {"fidelity": "paper", "ours": "intervals"}),
    )


@checked_arguments
def knowledge_points_of(
    run: Run,
    setting: Setting | None = None,
    control: Run | None = None,
    *,
    layers: Mapping[str, str] | None = None,
    images: int = IMAGES,
    mode: Mode = "corrected",
    tell: Tell | None = None,
) -> KnowledgePoints:
    """Count what a run's student and teacher keep of test images, and the student of a run without the teacher.

    Args:
        run: with its models.
        setting: of the run; from the catalogue if None.
        control: the same student trained without this teacher.
        layers: by net, the layer looked at; the features under the classifier by default.
        images: how many of the first test images.
        mode: how the noise is sought.
        tell: called with the share done in [0, 1] and a message.

    Raises:
        ValueError: the setting's samples are no images, or the run cannot be revived.
    """
    from torch import Tensor

    from workbench.models.layers import penultimate_of

    revived = run.revive(setting)
    test = revived.setting.test
    if not isinstance(first := test.first(), Tensor) or first.dim() != 4:
        raise ValueError(f"knowledge points are about images; the samples of {revived.setting.name} are none")
    models = {name: revived.models[name] for name in ("teacher", "student") if name in revived.models}
    if control is not None:
        models["control"] = control.revive(setting).models["student"]
    chosen = {name: (layers or {}).get(name) or penultimate_of(model) for name, model in models.items()}
    shown = test.subset(test.ids.new_tensor(range(min(images, len(test)))))
    batch = shown.batch(shown.ids.new_tensor(range(len(shown))))
    nets = {name: _asks(model, chosen[name]) for name, model in models.items()}
    found = knowledge_points(nets, batch.student_inputs, mode=mode, tell=tell)
    return replace(found, ids=shown.ids.numpy(), layers=tuple(chosen[name] for name in found.nets))


def _asks(model: nn.Module, layer: str) -> Callable[[Tensor], Tensor]:
    from workbench.models.tracing import Tracer

    tracer = Tracer(model, (layer,))
    return lambda inputs: tracer(inputs)[layer]
