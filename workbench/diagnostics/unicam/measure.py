"""What does a distilled student know that the same student without a teacher does not, and where in the picture is it?

How it is measured: a net's knowledge of N samples is the matrix of the distances between their features. From the student's
matrix that of a control student is projected out: the rest is what was *distilled*. From the control's that of the student:
*residual*, what was left behind. Each is compared with the teacher and with the labels, and its gradient draws a map.

Formula:
    A: U-centred distances of the features; <A, B> = sum_ij a_ij b_ij / (N (N - 3)); A without C = A - <A,C> / <C,C> C
    R(A, B) = <A, B> / sqrt(<A, A> <B, B>), the bias-corrected squared distance correlation
    FSS, feature similarity: R(A_S, A_T), and of the distilled part R(A_S without A_B, A_T)
    RS, relevance: R(A, L), with L the U-centred distances of one-hot labels
    map: sum over channels of relu(mean over places of dR(., L) / dF_c * F_c), stretched to [0, 1]

Reading it: 1 is the same geometry, 0 unrelated; negative values are noise, or geometry that runs against the other. A
distilled part that resembles the teacher (FSS above 0, small p) came from it. Relevance of the distilled part says whether
what came helps with the labels.
When it misleads: projections remove only what is proportional in distances; the rest of two noisy matrices is noisy, too.
The residual holds what the student has, with a minus sign, wherever the control has less of it: its likeness to the teacher
is then negative by construction. Maps are relative to each picture: every one has a brightest place.
After: UniCAM (universal class activation mapping for distillation), on partial distance correlation (Zhen et al., ECCV 2022;
Szekely and Rizzo 2014). The paper's exact normalisation was not seen: what is here is proposed.
Cost: O(N^2 D); 1 s for 256 samples of a small convolutional net.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.arrays import indices, numbers, same_samples
from workbench.diagnostics.unicam.measure_scores import PARTS, intervals_of, maps_of, p_values_of, scores_of
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, bounds
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.wording import number, plural

if TYPE_CHECKING:
    from workbench.settings.setting import Setting

SAMPLES = 256
PROVENANCE = {
    "paper": "UniCAM; base operator: Zhen et al., On the Versatile Uses of Partial Distance Correlation, ECCV 2022",
    "fidelity": "proposed",
    "ours": "normalisation of both scores, intervals, p values, the maps' score",
}


@dataclass(frozen=True)
class UniCAM(Result):
    """Scores of five kinds of knowledge on N samples, and maps of two of them for M samples.

    Attributes:
        similarity: FSS by part: correlation with the teacher's geometry.
        relevance: RS by part: correlation with that of the labels.
        similarity_p: by part, share of permutations of the samples with as large a similarity.
        relevance_p: by part, the same of relevance.
        distilled: (M, H, W) maps of the distilled part in [0, 1]; (0, 0, 0) where the layer has no places.
        residual: (M, H, W) maps of the residual part.
        images: (M, ...) the samples' inputs.
        ids: (M,) of these samples.
        layer: of the student and the control.
        n: samples.
        seed: of permutations and intervals.
        warnings: what weakens the numbers.
        provenance: the papers, and what is ours.
    """

    similarity: dict[str, Interval]
    relevance: dict[str, Interval]
    similarity_p: dict[str, float]
    relevance_p: dict[str, float]
    distilled: np.ndarray
    residual: np.ndarray
    images: np.ndarray
    ids: np.ndarray
    layer: str
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """One row per score and part."""
        kinds = {"similarity": (self.similarity, self.similarity_p), "relevance": (self.relevance, self.relevance_p)}
        return [
            {"quantity": f"{kind}, {part}", "value": each.mean, "low": each.low, "high": each.high, "p": p_values[part]}
            for kind, (scores, p_values) in kinds.items()
            for part, each in scores.items()
        ]

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        whole, rest, left = (self.similarity[part] for part in ("student", "distilled", "residual"))
        return (
            f"On {plural(self.n, 'sample')} the squared distance correlation of the student's {self.layer} with its teacher's is "
            f"{number(whole.mean)}; without what a control student's features explain {number(rest.mean)} ({bounds(rest)}, "
            f"p {number(self.similarity_p['distilled'])}); of what only the control has {number(left.mean)}. Relevance to the "
            f"labels: {number(self.relevance['distilled'].mean)} for the distilled part, "
            f"{number(self.relevance['residual'].mean)} for the residual. The scaling of the scores is our proposal: the "
            "paper gives none."
        )


@checked_arguments
def unicam(
    student: ArrayLike,
    control: ArrayLike,
    teacher: ArrayLike,
    labels: ArrayLike,
    *,
    ids: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
    seed: Seed = 0,
) -> UniCAM:
    """Score what was distilled.

    Args:
        student: (N, ...) features of the student; (N, C, H, W) for maps.
        control: (N, ...) of the same layer of a student without the teacher.
        teacher: (N, ...) of the teacher.
        labels: (N,) classes.
        ids: the samples' ids as student, control and teacher have them; compared if given.
        seed: of permutations and intervals.

    Raises:
        ValueError: numbers of samples or ids differ, fewer than 4 samples, values that are not finite, or one label only.
    """
    tables = {"student": student, "control": control, "teacher": teacher}
    arrays = {name: numbers(each, f"{name} features").astype(np.float64) for name, each in tables.items()}
    labels = indices(labels, "labels")
    _check(arrays, labels, ids)
    scores = scores_of(arrays, labels)
    p_values = p_values_of(arrays, labels, seed)
    bounds = intervals_of(arrays, labels, scores, seed)
    distilled, residual = maps_of(arrays, labels)
    return UniCAM(
        similarity={part: bounds["similarity", part] for part in PARTS},
        relevance={part: bounds["relevance", part] for part in (*PARTS, "teacher")},
        similarity_p={part: p_values["similarity", part] for part in PARTS},
        relevance_p={part: p_values["relevance", part] for part in (*PARTS, "teacher")},
        distilled=distilled,
        residual=residual,
        images=np.zeros((0, 0)),
        ids=np.arange(len(distilled)),
        layer="layer",
        n=len(labels),
        seed=seed,
        warnings=_warnings(len(labels), distilled),
        provenance=dict(PROVENANCE),
    )


@checked_arguments
def unicam_of(
    run: Run,
    setting: Setting | None = None,
    control: Run | None = None,
    *,
    layers: Mapping[str, str] | None = None,
    samples: int = SAMPLES,
    seed: Seed = 0,
) -> UniCAM:
    """Score what a run's student took from its teacher.

    Args:
        run: with its models.
        setting: of the run; from the catalogue if None.
        control: the same student trained without this teacher; needed.
        layers: of ``student`` and ``teacher``; the last stage of each by default.
        samples: how many of the first test samples.
        seed: of permutations and intervals.

    Raises:
        ValueError: there is no control or no teacher, or the run cannot be revived.
    """
    from torch import Tensor

    from workbench.diagnostics.bundle import bundle_of
    from workbench.models.layers import stages_of

    if control is None:
        raise ValueError("UniCAM takes away what a student without the teacher knows as well: give its run as control")
    revived = run.revive(setting)
    if "teacher" not in revived.models:
        raise ValueError(f"run {run.id} has no teacher")
    models = {name: revived.models[name] for name in ("student", "teacher")}
    models["control"] = control.revive(setting).models["student"]
    wanted = {name: (layers or {}).get(name) or stages_of(models[name])[-1] for name in ("student", "teacher")}
    wanted["control"] = wanted["student"]
    test = revived.setting.test
    bundle = bundle_of(
        models, test.subset(test.ids.new_tensor(range(min(samples, len(test))))), {k: [v] for k, v in wanted.items()}
    )
    found = {name: bundle.features[name][layer] for name, layer in wanted.items()}
    result = unicam(found["student"], found["control"], found["teacher"], bundle.labels, seed=seed)
    shown = test.subset(test.ids.new_tensor(range(len(result.distilled)))).in_memory().inputs
    inputs = shown.numpy() if isinstance(shown, Tensor) else result.images
    return replace(result, layer=wanted["student"], images=inputs, ids=bundle.ids[: len(result.distilled)])


def _check(arrays: Mapping[str, np.ndarray], labels: np.ndarray, ids: Sequence[ArrayLike] | None) -> None:
    lengths = {name: len(each) for name, each in arrays.items()} | {"labels": len(labels)}
    if len(set(lengths.values())) > 1 or len(labels) < 4:
        raise ValueError(f"4 samples or more, the same for all, are needed; got {lengths}")
    if ids is not None:
        same_samples(dict(zip(arrays, ids, strict=True)), len(labels))
    for name, each in arrays.items():
        if not np.isfinite(each).all():
            raise ValueError(f"the features of the {name} hold NaN or infinite values")
    if len(np.unique(labels)) < 2:
        raise ValueError("all samples have the same label: nothing can be relevant to it")


def _warnings(n: int, maps: np.ndarray) -> tuple[str, ...]:
    found = [] if n >= 50 else [f"only {plural(n, 'sample')}: the scores are rough"]
    return tuple(found if len(maps) else [*found, "the layer has no places: there are scores, but no maps"])
