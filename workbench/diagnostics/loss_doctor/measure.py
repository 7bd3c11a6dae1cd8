"""Is the loss put together as its author meant it, and which of its terms moves the student?

How it is measured: at about ten steps of a run the engine takes each term's gradient in the student's parameters by itself,
and looks at the outputs of student and teacher; what does not change in a run is measured once. Eleven checks read that.
Formula:
    gradient of term k: g_k = dL_k / dw;  balance = |g_labels| / |sum of g_k that distill|;
    conflict = cos(g_labels, sum of g_k that distill)
    logit scale = median_n std_c(t_n) / std_c(s_n)
    effective temperature: the tau with mean_n H(softmax(t_n / tau)) = mean_n H(softmax(s_n)), H the entropy
    temperature factor = log2(|G(2 T)| / |G(T)|) at a high temperature T, G the gradient of the distillation terms in the
    student's outputs: 0 where the squared temperature makes up for the softening, -2 where it is missing.
Reading it: what counts in a sum of terms is the length of the gradients, not the size of the losses. ``ok`` means nothing
was found; ``look`` that a number is unusual, which a paper may want so; ``wrong`` that the loss cannot be what was meant.
When it misleads: gradients are of single batches, before clipping and momentum; a term that pulls little at every step may
still decide between minima. A method that moves its students by itself is not measured. Thresholds are ours, round numbers
that the catalogue's methods keep on digits with few exceptions.
After: Hinton et al. 2015, section 2 (gradients of soft targets scale with 1 / temperature squared); Sun et al. 2024
(spread of the logits); Yu et al. 2020 (conflicting gradients). Effective temperature and checks are ours.
Cost: about one more optimiser step at each of ten; 1 to 2 % of a run of 800 steps on digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.diagnostics.loss_doctor.measure_checks import checks
from workbench.diagnostics.loss_doctor.measure_readings import Readings, read, shares
from workbench.records import probes as named
from workbench.records.arguments import checked_arguments
from workbench.records.result import Result
from workbench.records.run import Curve, Run
from workbench.records.snapshot import Lane
from workbench.records.wording import plural

PROVENANCE = {
    "paper": "Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, arXiv:1503.02531, section 2",
    "fidelity": "proposed",
    "ours": "effective temperature, temperature factor, thresholds and sentences",
}


@dataclass(frozen=True)
class LossDoctor(Result):
    """Eleven checks of one student's loss, and what they rest on: K terms, P probed steps, S stretches of steps.

    Attributes:
        checks: rows with ``check``, ``status``, ``value``, what it ``counted``, and the sentences ``seen``, ``means`` and ``helps``.
        terms: K names.
        share_steps: (S,) middle of each stretch.
        shares: (K, S) share of each term in the sum of their magnitudes.
        steps: (P,) probed steps.
        gradients: (K, P) length of each term's gradient; NaN where it was not there.
        pairs: pairs of terms, joined by ``|``.
        cosines: (pairs, P) between their gradients.
        logit_scale: (P,) spread of the teacher's logits over the student's.
        effective_temperature: (P,).
        temperature: that the method uses, NaN if it has none.
        n: probed steps.
        warnings: what weakens the answers.
        provenance: the papers, and what is ours.
    """

    checks: tuple[dict[str, Any], ...]
    terms: tuple[str, ...]
    share_steps: np.ndarray
    shares: np.ndarray
    steps: np.ndarray
    gradients: np.ndarray
    pairs: tuple[str, ...]
    cosines: np.ndarray
    logit_scale: np.ndarray
    effective_temperature: np.ndarray
    temperature: float
    n: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """One row per check."""
        return [
            {"quantity": check["check"], **{k: v for k, v in check.items() if k != "check"}} for check in self.checks
        ]

    @property
    def findings(self) -> tuple[dict[str, Any], ...]:
        """The checks that found something, the worst first."""
        found = [check for check in self.checks if check["status"] in ("wrong", "look")]
        return tuple(sorted(found, key=lambda check: check["status"] == "look"))

    def explain(self) -> str:
        """What was found, in one paragraph."""
        asked = [check for check in self.checks if check["status"] != "not applicable"]
        text = f"{len(asked)} of {plural(len(self.checks), 'check')} apply, with {plural(self.n, 'probed step')}."
        if not self.findings:
            return f"{text} Nothing unusual was found. {' '.join(check['seen'] for check in asked[:2])}".rstrip()
        for check in self.findings:
            text += (
                f" {check['check'].capitalize()} ({check['status']}): {check['seen']} {check['means']} {check['helps']}"
            )
        return text


@checked_arguments
def loss_doctor(curves: Mapping[str, Curve], *, party: str = "student") -> LossDoctor:
    """Examine what was recorded of a loss, during a run or afterwards.

    Args:
        curves: ``terms/<name>`` and ``probe/<name>`` over steps, as a run keeps them.
        party: which student of a run with several.

    Raises:
        ValueError: no terms were recorded, or the labels are the only one.
    """
    readings = read(curves, party)
    if not readings.terms:
        raise ValueError(
            f"no loss terms of {party!r} were recorded; there are curves of: {', '.join(curves) or 'nothing'}"
        )
    if all(named.kind_of(term) == "labels" for term in readings.terms):
        raise ValueError(f"{party} learns from labels alone; the loss doctor compares them with terms that distill")
    share_steps, share = shares(readings)
    return LossDoctor(
        checks=checks(readings),
        terms=readings.terms,
        share_steps=share_steps,
        shares=share,
        steps=readings.steps,
        gradients=readings.gradients,
        pairs=tuple(named.AND.join(pair) for pair in readings.cosines),
        cosines=np.stack([*readings.cosines.values()]) if readings.cosines else np.zeros((0, len(readings.steps))),
        logit_scale=readings.courses[named.LOGIT_SCALE],
        effective_temperature=readings.courses[named.EFFECTIVE_TEMPERATURE],
        temperature=readings.once.get(named.TEMPERATURE, float("nan")),
        n=len(readings.steps),
        warnings=_warnings(readings),
        provenance=dict(PROVENANCE),
    )


@checked_arguments
def loss_doctor_of(run: Run, party: str = "student") -> LossDoctor:
    """The loss doctor on a stored run.

    Args:
        run: finished; its models are not needed.
        party: which student of a run with several.

    Raises:
        ValueError: as ``loss_doctor``.
    """
    return loss_doctor(run.curves, party=party)


def loss_doctor_live(lane: Lane) -> LossDoctor | None:
    """The loss doctor on a run that goes on; None as long as there is nothing to examine.

    Args:
        lane: the student of a live session.
    """
    terms = {f"terms/{name}": curve for name, curve in lane.terms.items()}
    probes = {f"probe/{name}": curve for name, curve in lane.probes.items()}
    return loss_doctor(terms | probes) if any(name.startswith(named.GRADIENT) for name in lane.probes) else None


def _warnings(readings: Readings) -> tuple[str, ...]:
    if not len(readings.steps):
        return ("no step was probed: the method moves its students by itself, or the run is older than the probes",)
    few = f"only {plural(len(readings.steps), 'step')} were probed: medians are rough"
    return (few,) if len(readings.steps) < 5 else ()
