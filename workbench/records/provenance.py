"""What a method declares of itself: its source, how closely that was read, what it looks at and what it trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Grade = Literal["code", "formula", "abstract", "digest"]
Cost = Literal["low", "medium", "high"]
Part = Literal["layers", "features", "logits"]
PARTS: tuple[Part, ...] = ("layers", "features", "logits")
"""Parts of a net from its inputs to its outputs: stages or blocks, what enters the classifier, what leaves it."""
Need = Literal["maps", "batch norm", "classifier", "design"]
"""What a net may have to have: maps (B, C, H, W) that are averaged before its classifier, batch normalisation with running
statistics, a linear classifier, a design of which smaller nets are known."""
COST_LIMITS: dict[Cost, float] = {"low": 1.5, "medium": 3.0}
"""How many times the training of plain distillation a class of cost takes at most; high is beyond."""


@dataclass(frozen=True)
class Citation:
    """The paper of record."""

    title: str
    authors: str
    venue: str
    year: int
    arxiv: str = ""

    def __str__(self) -> str:
        """Authors, title, venue year, arXiv id."""
        arxiv = f", arXiv:{self.arxiv}" if self.arxiv else ""
        return f"{self.authors}: {self.title}. {self.venue} {self.year}{arxiv}"


@dataclass(frozen=True)
class Evidence:
    """What was read.

    Attributes:
        grade: ``code`` (the authors' or reference code), ``formula`` (the equation), ``abstract`` or ``digest``.
        where: repository, path and commit for ``code``; equation number for ``formula``.
        filled_in: what the source left open and how it was settled here.
    """

    grade: Grade
    where: str
    filled_in: str = ""

    def __post_init__(self) -> None:
        """Refuse a grade without its source."""
        if not self.where:
            raise ValueError(f"evidence of grade {self.grade!r} must say where it was read")


@dataclass(frozen=True)
class Progress:
    """The loss term that must move if the method works, and the direction in which."""

    term: str
    direction: Literal["down", "up"] = "down"


@dataclass(frozen=True)
class Reads:
    """What a method looks at in the nets.

    Attributes:
        text: in words, with shapes.
        student: parts of the student, from inputs to outputs.
        partner: parts of whom the student is matched with; none if it is matched with nobody.
    """

    text: str = "logits only"
    student: tuple[Part, ...] = ("logits",)
    partner: tuple[Part, ...] = ("logits",)


@dataclass(frozen=True)
class Learns:
    """What a method trains besides the student.

    Attributes:
        text: in words.
        between: names of the modules between the two nets.
    """

    text: str = "nothing"
    between: tuple[str, ...] = ()
