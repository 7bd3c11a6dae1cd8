"""When a model says 90 %, is it right in 90 % of the cases, and does the student doubt where its teacher doubts?

How it is measured: the probability of the class a model picks is its confidence. Samples are sorted into bins by
confidence, and in each bin the mean confidence is compared with the share of hits.

Formula (see ``reliability``):
    ece          sum_b n_b / N |acc_b - conf_b| in 15 bins of equal width, ((b - 1) / B, b / B];
    adaptive     the same in bins of equally many samples;  classwise: the mean over classes of the ECE of "it is k";
    debiased     the squared error minus its expected bias, which may be below zero;
    null         the ECE a perfectly calibrated model of the same probabilities would show (1,000 simulations): mean and
                 95 % range; p_calibrated is the share of them at least as large as what was found. ``adaptive_null`` and
                 ``classwise_null`` are the same for these errors.
    nll          mean -log p(label);  brier: mean sum_k (p_k - 1[k = y])^2, and for the top class alone
                 reliability - resolution + uncertainty + within.
    temperature  the one that minimises nll on the validation split, never on the test samples that are scored.
    relative     ECE of the student against the teacher's probability of the student's class instead of the hits.

Coverage in simulation: the null's range held 91 to 98 % of 60 to 200 calibrated models at each N of 100, 300 and 1,000 and C of 3
and 10, and 95 % of 6,000 at N = 300 and C = 3.
Calibration errors have no interval, since none that was tried covered them as often as stated (see ``reliability``).
Reading it: an ECE is never 0: read it beside its null. A student may be as calibrated as its teacher and still doubt
other samples; ``relative`` shows that. One temperature cannot change the order of classes, so what it repairs was a
matter of scale.
When it misleads: ECE depends on the bins; a model that always says the base rate is calibrated and useless (look at
resolution); below 1,000 samples the null is as large as what is found in practice.
``mode="paper"``: 10 bins, as the code of Stanton et al. has it. Its test_nll is not reproduced on purpose: it averages
the log-probabilities of every label in the batch for every sample. For logits (5, 0, 0), (0, 5, 0) with labels 0, 1
that gives 2.51 where the negative log-likelihood is 0.0134.
After: Guo et al. 2017 (ECE, temperature); Nixon et al. 2019 (adaptive, classwise); Kumar et al. 2019 (debiased); Murphy
1973; null, relative calibration and intervals are ours. Cost: O(N C) and 1,000 resamples; 2 s for N = 10,000, C = 100.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.bundle import bundle_of
from workbench.diagnostics.calibration.measure_errors import (
    COLDEST,
    HOTTEST,
    measured,
    optimal_temperature,
    relative,
    scaled,
)
from workbench.diagnostics.outputs import check_classification, classes_of, joined, outputs_of
from workbench.maths.intervals import wilson_bounds
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.wording import between, number, percent, plural
from workbench.settings.setting import Setting

Mode = Literal["corrected", "paper"]
Logits = Mapping[str, ArrayLike]
BINS, BINS_OF_PAPER, FEW = 15, 10, 100
NULLS = ("null", "adaptive_null", "classwise_null")
MEASURES = ("accuracy", "confidence", "ece", "adaptive", "classwise", "nll", "brier", *NULLS)
PLAIN = ("debiased", "p_calibrated", "temperature")
PROVENANCE = {
    "paper": "Guo et al.: On Calibration of Modern Neural Networks, ICML 2017, arXiv:1706.04599",
    "fidelity": "corrected",
    "ours": "null, relative calibration and intervals",
    "coverage": "in simulation the null's 95 % range held 91 to 98 % of calibrated models; calibration errors have no interval",
}


@dataclass(frozen=True)
class Calibration(Result):
    """How well the probabilities of some models are met on the same N samples.

    Attributes:
        models: M names.
        accuracy, confidence, nll, brier: by model, with intervals over samples.
        ece, adaptive, classwise: by model, without intervals.
        null, adaptive_null, classwise_null: by model, mean and middle 95 % of these for a perfectly calibrated model.
        debiased, p_calibrated: by model.
        brier_parts: by model, ``reliability``, ``resolution``, ``uncertainty`` and ``within`` of the top class.
        temperature: by model, fitted on validation; NaN where there was none.
        scaled_nll, scaled_ece: by model, on the same samples at that temperature.
        relative: of the student against the teacher; NaN without both.
        bins: B of equal width.
        counts: (M, B) samples per bin.
        shares: (M, B) share of hits, NaN in empty bins.
        means: (M, B) mean confidence, likewise.
        lows, highs: (M, B) bounds of the shares.
        n: samples.
        seed: of bootstrap and simulation.
        warnings: what weakens the numbers.
        provenance: the papers, and what is ours.
    """

    models: tuple[str, ...]
    accuracy: dict[str, Interval]
    confidence: dict[str, Interval]
    ece: dict[str, Interval]
    adaptive: dict[str, Interval]
    classwise: dict[str, Interval]
    nll: dict[str, Interval]
    brier: dict[str, Interval]
    null: dict[str, Interval]
    adaptive_null: dict[str, Interval]
    classwise_null: dict[str, Interval]
    debiased: dict[str, float]
    p_calibrated: dict[str, float]
    brier_parts: dict[str, dict[str, float]]
    temperature: dict[str, float]
    scaled_nll: dict[str, Interval]
    scaled_ece: dict[str, Interval]
    relative: Interval
    bins: int
    counts: np.ndarray
    shares: np.ndarray
    means: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """A row per measure and model."""
        found = [
            {"quantity": f"{name}, {model}", "value": each.mean, "low": each.low, "high": each.high}
            for name in (*MEASURES, "scaled_nll", "scaled_ece")
            for model, each in getattr(self, name).items()
        ]
        found += [
            {"quantity": f"{name}, {model}", "value": value}
            for name in PLAIN
            for model, value in getattr(self, name).items()
        ]
        return super().rows() + found

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        parts = []
        for model in self.models:
            parts.append(
                f"The {model} is right on {percent(self.accuracy[model].mean)} and {self._sure(model)} on average; "
                f"{self._error(model)}."
            )
            if np.isfinite(self.temperature[model]):
                parts.append(
                    f"At the temperature {number(self.temperature[model])}, fitted on validation, it is "
                    f"{number(self.scaled_ece[model].mean)}."
                )
        if np.isfinite(self.relative.mean):
            parts.append(
                f"Measured by the teacher's probabilities, the student is off by {number(self.relative.mean)}."
            )
        return " ".join(parts)

    def _sure(self, model: str) -> str:
        """Mean confidence beside the accuracy."""
        off = self.confidence[model].mean - self.accuracy[model].mean
        if np.isnan(off):
            return "of unknown confidence"
        return (
            f"{number(abs(100 * off))} points {'too sure' if off > 0 else 'too modest'}" if off else "as sure as that"
        )

    def _error(self, model: str) -> str:
        """The calibration error beside its null."""
        ece, null = self.ece[model].mean, self.null[model]
        if np.isnan(ece):
            return "its calibration error is not known"
        if np.isnan(null.high):
            return f"its calibration error is {number(ece)}, that of a perfectly calibrated model is not known"
        return (
            f"its calibration error of {number(ece)} is {'more' if ece > null.high else 'no more'} than a perfectly "
            f"calibrated model of the same confidences shows ({between(null.low, null.high)})"
        )


@checked_arguments
def calibration(
    logits: Logits,
    labels: ArrayLike,
    *,
    validation: Logits | None = None,
    validation_labels: ArrayLike | None = None,
    bins: int = BINS,
    mode: Mode = "corrected",
    seed: Seed = 0,
) -> Calibration:
    """Measure the calibration of one or more models.

    Args:
        logits: (N, C) by model, (K, N, C) of an ensemble; ``student`` and ``teacher`` are also compared with each other.
        labels: (N,) classes.
        validation: (V, C) by model on other samples, to fit the temperature on.
        validation_labels: (V,) classes of these.
        bins: of equal width; 15 by default.
        mode: ``paper`` has 10 bins.
        seed: of bootstrap and simulation.

    Raises:
        ValueError: no model, fewer than one bin, or as ``agreement``.
    """
    bins = BINS_OF_PAPER if mode == "paper" else bins
    if not logits or bins < 1:
        raise ValueError(f"{len(logits)} models and {bins} bins: one or more of each are needed")
    if (validation is None) != (validation_labels is None):
        raise ValueError("validation and validation_labels belong together; give both or neither")
    checked = {name: joined(z, name) for name, z in logits.items()}
    known = classes_of(labels, next(iter(checked.values())))
    temperatures, warnings = _temperatures(checked, validation or {}, validation_labels)
    found = {name: measured(z, classes_of(known, z), bins, seed) for name, z in checked.items()}
    fits = {name: t for name, t in temperatures.items() if np.isfinite(t)}
    cooled = {name: scaled(checked[name], known, t, bins, seed) for name, t in fits.items()}
    diagrams = np.array([found[name].pop("diagram") for name in checked])
    lows, highs = wilson_bounds(diagrams[:, 1], diagrams[:, 0])
    by_measure = {key: {name: each[key] for name, each in found.items()} for key in found[next(iter(found))]}
    if len(known) < 1000:
        warnings += (f"on {plural(len(known), 'sample')} much of an ECE is noise: read it beside its null",)
    return Calibration(
        models=tuple(checked),
        **by_measure,
        temperature=temperatures,
        scaled_nll={name: each[0] for name, each in cooled.items()},
        scaled_ece={name: each[1] for name, each in cooled.items()},
        relative=relative(checked, bins),
        bins=bins,
        counts=diagrams[:, 0].astype(np.int64),
        shares=diagrams[:, 1],
        means=diagrams[:, 2],
        lows=lows,
        highs=highs,
        n=len(known),
        seed=seed,
        warnings=warnings,
        provenance={**PROVENANCE, "fidelity": "paper" if mode == "paper" else "corrected"},
    )


@checked_arguments
def calibration_of(run: Run, setting: Setting | None = None, *, mode: Mode = "corrected") -> Calibration:
    """The same for a run's student and teacher on its test samples; temperatures from its validation split.

    Args:
        run: a finished run of a classification; without its models or setting no temperature is fitted.
        setting: of the run; made again from the catalogue if None.
        mode: as in ``calibration``.

    Raises:
        ValueError: it is no classification, or as ``calibration``.
    """
    check_classification(run)
    shape = outputs_of(run, "student").shape
    logits = {
        name: z for name in ("student", "teacher") if (z := run.predictions.get(name, np.zeros(0))).shape == shape
    }
    found: dict[str, Any] = {}
    missing: tuple[str, ...] = ()
    try:
        revived = run.revive(setting)
        models = {name: model for name, model in revived.models.items() if name in logits}
        held_out = bundle_of(models, revived.setting.validation)
        found = {"validation": held_out.logits, "validation_labels": held_out.labels}
    except ValueError as error:
        missing = (f"no temperature was fitted: {error}",)
    made = calibration(logits, run.test_labels, mode=mode, **found)
    return replace(made, warnings=made.warnings + missing)


def _temperatures(
    logits: Mapping[str, np.ndarray], validation: Logits, labels: ArrayLike | None
) -> tuple[dict[str, float], tuple[str, ...]]:
    found, warnings = dict.fromkeys(logits, np.nan), ()
    for name in set(logits) & set(validation):
        held_out = joined(validation[name], f"validation {name}")
        found[name] = optimal_temperature(held_out, classes_of(np.asarray(labels), held_out))
        if len(held_out) < FEW:
            warnings += (f"{name}: the temperature was fitted on only {len(held_out)} validation samples",)
        if not COLDEST * 1.01 < found[name] < HOTTEST * 0.99:
            warnings += (f"{name}: the validation split asks for a temperature beyond {found[name]:.3g}",)
    return found, warnings
