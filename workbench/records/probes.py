"""The names under which an engine tells, and a run keeps, what was measured of its steps: ``probe/<name>``.

They are the common words of the engine, which measures, and of the loss doctor, which reads.
"""

from __future__ import annotations

GRADIENT = "gradient/"
"""Before a term's name: the length of its gradient in the student's parameters."""
ELSEWHERE = "elsewhere/"
"""Before a term's name: the same in everything else its player moves; only for a term that does not reach the student."""
COSINE = "cosine/"
"""Before the names of two terms, joined by ``AND``: the cosine of the angle between their gradients."""
AND = "|"
LOGIT_SCALE = "logit_scale"
"""Spread of the teacher's logits over that of the student's."""
EFFECTIVE_TEMPERATURE = "effective_temperature"
"""At this temperature the teacher is as soft as the student is at 1."""
TEMPERATURE = "temperature"
"""The temperature a method divides the logits by, where it has one; once in a run."""
TEMPERATURE_EXPONENT = "temperature_exponent"
"""The power of the temperature with which the gradient of the distillation terms grows; once in a run."""
PROBABILITIES = "probabilities/"
"""Before a party: the share of its outputs that are distributions already; once in a run."""
LOG_PROBABILITIES = "log_probabilities/"
"""Before a party: the share of its outputs that are logarithms of distributions; once in a run."""
TEACHER_TRAINING = "teacher_training"
"""Modules of the teacher that stay in training mode when it is asked; once in a run."""
TEACHER_WOBBLE = "teacher_wobble"
"""How far two answers of the teacher about one sample differ, as a share of their spread; once in a run."""
TEACHER_RIGHT = "teacher_right"
"""Share of the validation samples whose label the teacher gives; once in a run."""
TEACHER_RELABELLED = "teacher_relabelled"
"""The same after its classes were renamed, one to one, as suits it best; once in a run."""
TEACHER_ASKED = "teacher_asked"
"""How many validation samples these two are shares of; once in a run."""

PREFIXES = (GRADIENT, ELSEWHERE, COSINE, PROBABILITIES, LOG_PROBABILITIES)
NAMES = (
    *(LOGIT_SCALE, EFFECTIVE_TEMPERATURE, TEMPERATURE, TEMPERATURE_EXPONENT),
    *(TEACHER_TRAINING, TEACHER_WOBBLE, TEACHER_RIGHT, TEACHER_RELABELLED, TEACHER_ASKED),
)
LABELS, REGULARISER = "labels", "reg_"
"""The name of the task loss, and the beginning of a regulariser's name; all other terms distill."""


def measured(name: str) -> bool:
    """Whether a probe of this name belongs to the loss doctor."""
    return name in NAMES or name.startswith(PREFIXES)


def kind_of(term: str) -> str:
    """``labels``, ``regulariser`` or ``distillation``; the name of a party, as in ``peer_1.labels``, does not count."""
    own = term.rpartition(".")[2]
    return "labels" if own == LABELS else "regulariser" if own.startswith(REGULARISER) else "distillation"
