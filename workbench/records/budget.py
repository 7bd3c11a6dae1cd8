"""How long and how a model is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Budget:
    """Optimiser steps and how they are taken; equal budgets make arms comparable.

    Attributes:
        epochs: passes over the transfer set; the number of steps is ``epochs * max(1, n // batch_size)``.
        batch_size: samples per step.
        optimizer: ``sgd`` (with momentum), ``adam`` or ``adamw``.
        learning_rate: at its highest.
        momentum: of ``sgd`` only.
        weight_decay: L2 (decoupled for ``adamw``).
        schedule: ``cosine`` to zero, ``multistep`` (x0.1 at 62.5, 75 and 87.5 %, as 150/180/210 of 240), ``constant``.
        clip: largest gradient norm; None does not clip.
        precision: ``auto`` is bfloat16 autocast on CUDA and float32 elsewhere.
    """

    epochs: int = 30
    batch_size: int = 64
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: Literal["cosine", "multistep", "constant"] = "cosine"
    clip: float | None = None
    precision: Literal["auto", "float32", "bfloat16"] = "auto"

    def __post_init__(self) -> None:
        """Refuse budgets that cannot be run."""
        for name in ("epochs", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} = {getattr(self, name)} must be positive")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)
