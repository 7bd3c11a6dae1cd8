"""Under what conditions a distillation runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from workbench.engine.home import home

Control = Literal["none", "permuted_targets", "permuted_non_targets"]


@dataclass(frozen=True)
class Conditions:
    """What is neither setting, method, budget nor seed.

    Attributes:
        control: ``permuted_targets`` gives each sample the teacher's answer to another one,
            ``permuted_non_targets`` shuffles the non-target outputs within each row; both keep the marginals.
        teacher_seed: the teacher is shared by all runs that name the same one.
        device: ``auto`` is CUDA where there is one.
        folder: of teachers and checkpoints; None is the workbench's home.
        checkpoint: write one at each epoch, and go on from it if there is one.
    """

    control: Control = "none"
    teacher_seed: int = 0
    device: str = "auto"
    folder: Path | None = None
    checkpoint: bool = True

    def where(self) -> torch.device:
        """The device itself."""
        if self.device != "auto":
            return torch.device(self.device)
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def home(self) -> Path:
        """The folder itself."""
        return self.folder or home()
