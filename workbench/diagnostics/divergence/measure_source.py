"""Where the divergence diagnostics come from, in the words that every result and figure of theirs carries.

Reading it: the theorems, their constants and the tightness radius of the paper could not be read; what is here follows
from its definition of the divergence and from one lemma of its appendix, or is our own design.
When it misleads: a number of ours that is quoted as the paper's.
"""

from __future__ import annotations

PAPER = "Li & He: On the Generalization of KD: An Information-Theoretic View, 2026, arXiv:2605.13143"
RECONSTRUCTION = "reconstruction; not the paper's theorem"


def provenance(ours: str) -> dict[str, str]:
    """Of a result that is reconstructed; ``ours`` says how."""
    return {"paper": PAPER, "fidelity": "proposed", "ours": f"{RECONSTRUCTION}: {ours}"}
