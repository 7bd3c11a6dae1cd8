"""The single questions of the loss doctor: each takes the readings of a run and gives one row of its table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.diagnostics.loss_doctor.measure_readings import Readings
from workbench.records import probes as named
from workbench.records.wording import plural

Check = dict[str, Any]
ENOUGH = 3
"""Probes before a term that has not moved anything is called dead: some are faded in from 0."""
SCALE, BALANCE, DROWNED = 30.0, 30.0, 1000.0
CONFLICT = -0.5
APART = 4.0
"""Factor beyond which the student's logits, or its softness, are called far from its teacher's."""
POWER = 0.5
WOBBLE = 0.01
BURST = 100.0
SWAPPED, FEW, MANY = 0.15, 8, 20
"""Share and number of samples that other names for the classes must win before the names are doubted; more for a teacher
that is right on less than half of them even so."""

COUNTED = {
    "term scale": "labels over distillation",
    "gradient balance": "labels over distillation",
    "gradient conflict": "cosine, median",
    "terms without effect": "terms",
    "logit scale": "teacher over student",
    "effective temperature": "temperature",
    "temperature factor": "power of the temperature",
    "double softmax": "share of outputs",
    "teacher in evaluation": "change when asked again",
    "label space": "labels the teacher gives",
    "stability": "last over usual length",
}
"""What the value of each check counts."""


def checks(readings: Readings) -> tuple[Check, ...]:
    """All rows, in the order of the table."""
    return tuple(question(readings) for question in QUESTIONS)


def _row(check: str, status: str, value: float, seen: str, means: str = "", helps: str = "") -> Check:
    words = {"seen": seen, "means": means, "helps": helps}
    return {"check": check, "status": status, "value": float(value), "counted": COUNTED[check], **words}


def _unknown(check: str, why: str) -> Check:
    return _row(check, "not applicable", np.nan, why)


def _term_scale(readings: Readings) -> Check:
    name, labels, soft = "term scale", readings.rows("labels"), readings.rows("distillation")
    if not labels or not soft:
        return _unknown(name, "The loss has no label term beside a distillation term.")
    label, guide = (readings.magnitude(rows) for rows in (labels, soft))
    ratio = label / guide if guide > 0 else np.nan
    seen = f"The label terms are {label:.3g}, the distillation terms {guide:.3g} (medians over steps)."
    if ratio > SCALE:
        means = (
            f"The labels' loss is {ratio:.0f} times the distillation loss: a share between the two weights says little."
        )
        return _row(
            name, "look", ratio, seen, means, "Compare gradients, not losses; lower the label weight by that factor."
        )
    return _row(name, "ok", ratio, seen)


def _gradient_balance(readings: Readings) -> Check:
    name, labels, soft = "gradient balance", readings.rows("labels"), readings.rows("distillation")
    both = [readings.together(rows) for rows in (labels, soft)] if labels and soft else []
    met = np.isfinite(both[0]) & np.isfinite(both[1]) & (both[0] > 0) & (both[1] > 0) if both else np.zeros(0, bool)
    if not met.any():
        return _unknown(name, "No step was measured at which both labels and teacher pulled.")
    label, guide = (float(np.median(each[met])) for each in both)
    ratio = max(label, guide) / min(label, guide)
    seen = f"The gradient of the labels is {label:.3g} long, that of the distillation terms {guide:.3g} (medians)."
    if ratio <= BALANCE:
        return _row(name, "ok", label / guide, seen)
    strong, weak = ("labels", "distillation terms") if label > guide else ("distillation terms", "labels")
    means = f"The {strong} pull {ratio:.0f} times as hard: the student hardly hears the {weak}."
    helps = f"Lower the weight of the {strong}, or raise the other, until the lengths are within a factor of ten."
    return _row(name, "wrong" if ratio > DROWNED else "look", label / guide, seen, means, helps)


def _conflict(readings: Readings) -> Check:
    name, labels, soft = "gradient conflict", readings.rows("labels"), readings.rows("distillation")
    cosines = readings.angle(labels, soft) if labels and soft else np.zeros(0)
    if not np.isfinite(cosines).any():
        return _unknown(name, "No step was measured at which both labels and teacher pulled.")
    known = cosines[np.isfinite(cosines)]
    median = float(np.median(known))
    seen = f"The cosine between the gradients of labels and teacher is {median:.2f} (median); "
    seen += f"negative at {(known < 0).sum()} of {plural(len(known), 'step')}."
    if median >= CONFLICT:
        return _row(name, "ok", median, seen)
    means = "Labels and teacher pull the student in opposite directions most of the time."
    helps = "Look at the teacher's accuracy and the classes; a gradient rule or a smaller label weight settles a true conflict."
    return _row(name, "look", median, seen, means, helps)


def _dead_terms(readings: Readings) -> Check:
    name, counted = "terms without effect", np.isfinite(readings.gradients).sum(1)
    dead = [k for k in np.flatnonzero(counted >= ENOUGH) if not np.nan_to_num(readings.gradients[k]).any()]
    if not (counted >= ENOUGH).any():
        return _unknown(name, "Too few steps were measured.")
    if not dead:
        return _row(name, "ok", 0, "Every term has a gradient in the student's parameters.")
    lost, aside = [], []
    for k in dead:
        (aside if readings.elsewhere.get(readings.terms[k], 0.0) > 0 else lost).append(readings.terms[k])
    guides = [k for k in readings.rows("distillation") if counted[k]]
    seen = f"No gradient reaches the student from: {', '.join(lost + aside)}."
    if aside and not lost and not set(guides) <= set(dead):
        return _row(name, "ok", len(dead), seen, "They move other parts only, such as an adapter.")
    means = "It could be left out and the student would be the same."
    helps = "Look for a detach(), a weight of 0, a frozen layer, or features that do not depend on the parameters."
    return _row(name, "wrong", len(dead), seen, means, helps)


def _logit_scale(readings: Readings) -> Check:
    name, ratio = "logit scale", readings.late(named.LOGIT_SCALE)
    if np.isnan(ratio):
        return _unknown(name, "Student and teacher have no outputs to compare, or too few steps were measured.")
    seen = f"The teacher's logits spread {ratio:.3g} times as far as the student's, at the end (median over samples)."
    if 1 / APART < ratio < APART:
        return _row(name, "ok", ratio, seen)
    if ratio < 1:
        means = "The student's logits are far larger than its teacher's."
        helps = "No fault where the loss does not see the scale, as after standardisation; else lower the label weight."
        return _row(name, "look", ratio, seen, means, helps)
    means = "The student may not reach the teacher's scale, and spends its effort on that."
    helps = "Standardise the logits (logit_standardization), or match their order only."
    return _row(name, "look", ratio, seen, means, helps)


def _effective_temperature(readings: Readings) -> Check:
    name, found = "effective temperature", readings.late(named.EFFECTIVE_TEMPERATURE)
    if np.isnan(found):
        return _unknown(
            name, "No temperature makes the teacher as soft as the student, or too few steps were measured."
        )
    seen = f"At the end the teacher is as soft as the student when its logits are divided by {found:.3g}."
    if 1 / APART < found < APART:
        return _row(name, "ok", found, seen)
    means = (
        "The student is much softer than its teacher." if found > 1 else "The student is much surer than its teacher."
    )
    return _row(
        name, "look", found, seen, means, "Compare with the temperature that is set, and with the label weight."
    )


def _temperature_factor(readings: Readings) -> Check:
    name = "temperature factor"
    power, temperature = (readings.once.get(key, np.nan) for key in (named.TEMPERATURE_EXPONENT, named.TEMPERATURE))
    if np.isnan(power):
        return _unknown(name, "The method has no temperature, or a copy of it could not be asked at another one.")
    seen = f"The distillation gradient goes with the temperature to the power {round(power, 1) + 0.0:g}; 0 is level."
    if abs(power) < POWER:
        return _row(name, "ok", power, seen)
    if temperature == 1:
        return _row(name, "ok", power, seen, "At temperature 1 it makes no difference.")
    means = "Another temperature also changes how much the distillation terms weigh against the labels."
    helps = "Multiply the softened divergence with the squared temperature, as Hinton et al. do."
    if power > 0:
        return _row(
            name, "look", power, seen, means, "Leave out a factor of the temperature that this loss does not need."
        )
    return _row(name, "wrong", power, seen, means, helps)


def _double_softmax(readings: Readings) -> Check:
    name, parties = "double softmax", ("student", "teacher")
    plain = {p: readings.once[named.PROBABILITIES + p] for p in parties if named.PROBABILITIES + p in readings.once}
    if not plain:
        return _unknown(name, "No outputs of a classifier were measured.")
    worst = max(plain.values())
    if worst > 0.5:
        who = " and ".join(party for party, share in plain.items() if share > 0.5)
        seen = f"The outputs of {who} are probabilities already: not negative, and each row adds up to 1."
        means = "The loss takes a softmax of them again, which leaves almost no difference between the classes."
        return _row(
            name,
            "wrong",
            worst,
            seen,
            means,
            "Take the softmax out of the model, or give the logarithm of its outputs.",
        )
    logs = [party for party in parties if readings.once.get(named.LOG_PROBABILITIES + party, 0.0) > 0.5]
    if logs:
        seen = f"The outputs of {' and '.join(logs)} are logarithms of probabilities."
        return _row(name, "ok", worst, seen, "That is as good as logits for every loss that begins with a softmax.")
    return _row(name, "ok", worst, "The outputs are logits.")


def _teacher_in_evaluation(readings: Readings) -> Check:
    name = "teacher in evaluation"
    training, wobble = (readings.once.get(key, np.nan) for key in (named.TEACHER_TRAINING, named.TEACHER_WOBBLE))
    if np.isnan(training):
        return _unknown(name, "There is no fixed teacher that could be asked twice.")
    seen = f"{training:.0f} modules of the teacher stay in training mode"
    seen += "." if np.isnan(wobble) else f"; asked twice, it differs by {wobble:.2g} of its spread."
    if training == 0 and not wobble > WOBBLE:
        return _row(name, "ok", np.nan_to_num(wobble), seen)
    means = "Dropout or batch statistics are at work in the teacher: what it says about a sample is not one answer."
    helps = "Call teacher.eval(), and look for dropout or normalisation that ignores the mode."
    return _row(name, "wrong", np.nan_to_num(wobble), seen, means, helps)


def _label_space(readings: Readings) -> Check:
    name, keys = "label space", (named.TEACHER_RIGHT, named.TEACHER_RELABELLED, named.TEACHER_ASKED)
    right, renamed, asked = (readings.once.get(key, np.nan) for key in keys)
    if np.isnan(right):
        return _unknown(name, "The teacher's classes are not the student's, or there is no one teacher to ask.")
    seen = f"The teacher gives the label of {right:.1%} of {asked:,.0f} validation samples, {renamed:.1%} with other names."
    won = (renamed - right) * asked
    known, lost = renamed > 0.5 and won >= FEW, renamed > 4 * right and won >= MANY
    if renamed - right < SWAPPED or not (known or lost):
        return _row(name, "ok", right, seen)
    means = "The teacher knows these classes, but in another order."
    return _row(
        name, "wrong", right, seen, means, "Permute the teacher's outputs into the order of the student's classes."
    )


def _stability(readings: Readings) -> Check:
    name, lengths = "stability", np.nansum(readings.gradients, axis=0) if len(readings.steps) else np.zeros(0)
    if len(lengths) < ENOUGH:
        return _unknown(name, "Too few steps were measured.")
    burst = float(lengths[-1] / max(np.median(lengths), 1e-30)) if np.isfinite(lengths).all() else np.inf
    seen = f"The last gradients are {burst:.2g} times as long as usual in this run (median)."
    if burst < BURST:
        return _row(name, "ok", burst, seen)
    means = "They are growing without bound: the next thing to happen is a loss that is not a number."
    return _row(
        name, "wrong", burst, seen, means, "Lower the learning rate, or limit the gradients with Budget(clip=1.0)."
    )


QUESTIONS: tuple[Callable[[Readings], Check], ...] = (
    *(_term_scale, _gradient_balance, _conflict, _dead_terms, _logit_scale, _effective_temperature),
    *(_temperature_factor, _double_softmax, _teacher_in_evaluation, _label_space, _stability),
)
