"""What is known of a paper or a published claim before it is tried: its card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.records.finding import LEAST_SEEDS
from workbench.records.provenance import Evidence

Role = Literal["core", "component", "absent"]
"""What distillation is in the paper: its subject, a part of its system, or not there (then the outcome says so)."""
Size = Literal["S", "M", "L"]
Represents = Literal["paper", "mechanism", "contrast", "survey"]
"""What is tried: the paper's own claim, one mechanism of a large system, what the paper does instead of distilling, or
the statement of a survey."""
CPU_SECONDS: dict[Size, int] = {"S": 90, "M": 300, "L": 600}
"""How many CPU seconds a paper of each size may take with the seeds of its card."""


@dataclass(frozen=True)
class Claim:
    """One statement that a reproduction tries.

    Attributes:
        sentence: what is claimed, with its margin in words.
        quantity: the name in the numbers that must exceed ``margin``, with its unit.
        margin: in that unit; for "no worse" how much worse is still accepted, at least 0.
        kind: "effect" (the quantity is above the margin) or "no worse" (it is above minus the margin).
    """

    sentence: str
    quantity: str
    margin: float = 0.0
    kind: Literal["effect", "no worse"] = "effect"

    @property
    def bound(self) -> float:
        """What the interval of the quantity must lie above."""
        return -self.margin if self.kind == "no worse" else self.margin


@dataclass(frozen=True, kw_only=True)
class Card:
    r"""A paper, or a published claim, and how it is tried here.

    Attributes:
        id: as in the digests; the file has the same name with ``_`` for ``-``.
        title: of the paper.
        arxiv: its number, empty if none is known.
        digests: dates (ISO) of the digests that name it; none for a claim of record.
        role: of distillation in the paper.
        represents: what is tried here.
        families: the kinds of distillation, in standard terms ("cross-modal", "on-policy").
        modalities: of the paper's data ("images", "text").
        summary: what the paper does, in one to three sentences of our own.
        mechanism: its formula in LaTeX, without dollar signs, lines separated by ``\\``.
        matched: what of the student is matched with what of the teacher, in one sentence.
        reported: the effect that the paper reports, with unit, data and source; empty if it was not read.
        evidence: what was read, and how closely.
        filled_in: each choice that was not read but inferred.
        claims: what is tried, fixed before the seeds of record run.
        setting: what it is tried on, in one line.
        baseline: what it is compared with.
        control: what must fail if the mechanism is real.
        size: of the work; it limits the CPU seconds.
        seeds: draws of record.
        pilot: what was chosen on seeds of 100 and above; empty until a pilot ran.
        components: modules of the workbench that it is made of, as dotted names below ``workbench``.
    """

    id: str
    title: str
    role: Role
    summary: str
    mechanism: str
    matched: str
    evidence: Evidence
    claims: tuple[Claim, ...]
    setting: str
    baseline: str
    control: str
    arxiv: str = ""
    digests: tuple[str, ...] = ()
    represents: Represents = "paper"
    families: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    reported: str = ""
    filled_in: tuple[str, ...] = ()
    size: Size = "S"
    seeds: int = 10
    pilot: str = ""
    components: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a card without a claim, or with too few seeds to decide one."""
        if not self.claims:
            raise ValueError(
                f"the card of {self.id!r} has no claim: write at least one Claim(sentence, quantity, margin)"
            )
        if self.seeds < LEAST_SEEDS:
            raise ValueError(
                f"the card of {self.id!r} asks for {self.seeds} seeds: {LEAST_SEEDS} or more decide a claim"
            )

    @property
    def file(self) -> str:
        """Name of its module in ``workbench.papers``."""
        return self.id.replace("-", "_")
