"""What a method lets a student match with whom, by its class attributes and the hooks it overrides: the content of its picture."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.methods.catalog import family_of
from workbench.methods.method import Method


@dataclass(frozen=True)
class Matched:
    """The partner of the student, and the parts of both that are compared.

    Attributes:
        partner: who the student is matched with; empty if it has none.
        partner_learns: whether that one is trained at the same time.
        student_parts: parts of the student that are read, of ``PARTS``.
        partner_parts: parts of its partner.
        links: pairs of parts that are compared, the student's first.
        relations: whether samples are compared with each other before.
        learnt: what is learnt between the two.
        inputs: where the inputs come from.
        asked: how often the partner is asked.
        labels: whether the labels are learnt from as well.
        terms: all other terms of the loss.
    """

    partner: str
    partner_learns: bool
    student_parts: tuple[str, ...]
    partner_parts: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    relations: bool
    learnt: str
    inputs: str
    asked: str
    labels: bool
    terms: tuple[str, ...]

    def __str__(self) -> str:
        """The picture in words."""
        compared = [mine if mine == theirs else f"{mine} with its {theirs}" for mine, theirs in self.links]
        told = f"Inputs: {self.inputs}. " + (f"Partner: {self.partner}. " if self.partner else "There is no partner. ")
        told += (
            f"Compared: {', '.join(compared)}{' as relations of samples' if self.relations else ''}. "
            if compared
            else ""
        )
        told += f"Learnt between them: {self.learnt}. " if self.learnt else ""
        return f"{told}Terms: {', '.join((*('labels',) * self.labels, *self.terms))}.".replace("_", " ")


def matched(cls: type[Method]) -> Matched:
    """What a method matches.

    Example:
        >>> from workbench.methods.logits.kd import KD
        >>> matched(KD).links
        (('logits', 'logits'),)
    """
    partner = _partner_of(cls)
    mine, theirs = cls.reads.student, cls.reads.partner if partner else ()
    terms = tuple(name for name in cls.terms if name.rpartition(".")[2] != "labels")
    return Matched(
        partner=partner,
        partner_learns=cls.students > 1,
        student_parts=mine,
        partner_parts=theirs,
        links=tuple((part, part if part in theirs else "logits") for part in mine if {part, "logits"} & set(theirs)),
        relations=family_of(cls) == "relations",
        learnt=", ".join(cls.learns.between).replace("_", " "),
        inputs=_inputs(cls),
        asked=_asked(cls, partner, theirs),
        labels="labels" in cls.terms,
        terms=terms,
    )


def _partner_of(cls: type[Method]) -> str:
    """Who the student is matched with; empty if that is nobody."""
    if cls.partner is not None:
        return cls.partner
    if cls.students > 1:
        return "a peer" if cls.students == 2 else f"{cls.students - 1} peers"
    if cls.teacher_source == "ema":
        return "an average of its own past"
    return "the teacher, frozen" if cls.reads_teacher else ""


def _inputs(cls: type[Method]) -> str:
    text = cls.tasks[0] == "tokens"
    if cls.own_inputs:
        return "texts, some written by a model" if text else "made up, no data"
    changed = cls.inputs is not Method.inputs
    return ("texts" if text else "the data") + ", changed by the method" * changed


def _asked(cls: type[Method], partner: str, theirs: tuple[str, ...]) -> str:
    if not partner:
        return "never"
    if not cls.reads_teacher:
        return "no teacher is asked"
    if cls.teacher_input_gradient:
        return "at every step, with gradients to its inputs"
    if (
        cls.inputs is not Method.inputs
        or set(theirs) != {"logits"}
        or partner.startswith(("several", "the teacher and"))
    ):
        return "at every step"
    return "once for each sample, then its answers are kept (at every step where inputs vary)"
