"""What a method lets a student match with whom, read off its declaration: the content of its picture.

Everything comes from the class attributes, the seams it overrides, and its lines ``Terms:``, ``Reads:`` and ``Learns:``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from workbench.methods.catalog import family_of
from workbench.methods.declared import Declared, declared
from workbench.methods.method import Method

PARTS = {
    "layers": r"\b(layers?|stages?|blocks|maps|attention|embeddings|batch norms)\b",
    "features": r"penultimate|enters the (teacher's )?classifiers?",
    "logits": r"\b(logits|outputs|decisions|texts)\b",
}
"""Parts of a net from its inputs to its outputs, and the words by which ``Reads:`` names them."""

OTHERS = {
    "teacher_2": "several teachers, frozen",
    "assistant_1": "the teacher and its assistants, frozen",
    "assistant": "an assistant whom the teacher has taught",
    "anchor": "the teacher at earlier times",
    "early_teacher": "a teacher stopped early",
    "generation": "the generation before",
    "snapshot": "an earlier state of itself",
    "peers": "peers in the same net",
    "branches": "further branches of the same net",
    "head": "its own deepest exit",
}
"""Who teaches, by what ``Learns:`` says is trained or kept for it; the last ones are parts of the student."""

OWN = tuple(OTHERS.values())[-3:]


@dataclass(frozen=True)
class Matched:
    """Who is matched with whom in what.

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


def matched(cls: type[Method], said: Declared | None = None) -> Matched:
    """What a method matches.

    Example:
        >>> from workbench.methods.logits.kd import KD
        >>> matched(KD).links
        (('logits', 'logits'),)
    """
    said = said or declared(cls)
    mine, theirs = _parts(said.reads)
    terms = tuple(name for name in said.term_names if name.rpartition(".")[2] != "labels")
    partner = _partner(cls, said, terms) if theirs else ""
    mine, theirs = mine or ("logits",), theirs if partner else ()
    return Matched(
        partner=partner,
        partner_learns=cls.students > 1,
        student_parts=mine,
        partner_parts=theirs,
        links=tuple((part, part if part in theirs else "logits") for part in mine if {part, "logits"} & set(theirs)),
        relations=family_of(cls) == "relations",
        learnt=_learnt(cls, said.learns) if partner and set(mine) != {"logits"} else "",
        inputs=_inputs(cls),
        asked=_asked(cls, partner, theirs),
        labels="labels" in said.term_names,
        terms=terms,
    )


def _parts(reads: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The parts of the student and those of its partner, from inputs to outputs."""
    plain = re.split(r"[;.]", re.sub(r"\([^)]*\)", "", reads))[0]
    mine, theirs = set(), set()
    for phrase in re.split(r",|\band\b(?! of)", plain):
        found = {part for part, words in PARTS.items() if re.search(words, phrase)}
        if not re.search(r"the teacher's|of the teacher\b|\bits\b", phrase):
            mine |= found
        if not re.search(r"the student's|of the student\b", phrase) or "of the student" in plain.rpartition(" and ")[2]:
            theirs |= found
    return tuple(part for part in PARTS if part in mine), tuple(part for part in PARTS if part in theirs)


def _partner(cls: type[Method], said: Declared, terms: tuple[str, ...]) -> str:
    if cls.students > 1:
        return "a peer" if cls.students == 2 else f"{cls.students - 1} peers"
    if cls.teacher_source == "ema":
        return "an average of its own past"
    told = [who for word, who in OTHERS.items() if re.search(rf"\b{word}", said.learns)]
    if cls.reads_teacher:
        return next((who for who in told if who not in OWN), "the teacher, frozen")
    if told:
        return told[0]
    own = [name for name in terms if not name.startswith("reg_")]
    return f"itself: {', '.join(own).replace('_', ' ')}" if own else ""


def _learnt(cls: type[Method], learns: str) -> str:
    """The first things that are learnt between two nets; nets and inputs of their own are none of these."""
    if learns.startswith("nothing") or cls.own_inputs:
        return ""
    nets = "|".join(word for word in OTHERS if word != "head")
    names = [name for name in re.findall(r"``(\w+)``", learns) if not re.search(f"{nets}|seed|step", name)]
    return ", ".join(names[:2]).replace("_", " ")


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
