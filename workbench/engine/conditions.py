"""Under what conditions a distillation runs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch

from workbench.engine.home import home
from workbench.records.annotations import NOT_NEGATIVE
from workbench.records.parameters import Checked

Control = Literal["none", "permuted_targets", "permuted_non_targets"]


@dataclass(frozen=True)
class Conditions(metaclass=Checked):
    """Execution options: control, teacher seed, device, folder, checkpoints.

    Attributes:
        control: ``permuted_targets`` gives each sample the teacher's answer to another one,
            ``permuted_non_targets`` shuffles the non-target outputs within each row; both keep the marginals.
        teacher_seed: the teacher is shared by all runs that name the same one.
        device: ``auto`` is CUDA where there is one.
        folder: of teachers and checkpoints; None is the workbench's home.
        checkpoint: write one at each epoch, and go on from it if there is one.
        fresh: compute everything again and replace what is kept: teacher, answers, checkpoint.
        since: what was kept before this time, in seconds since 1970, is computed again; ``fresh`` makes it now.

    Raises:
        ValueError: A value is not one of its choices, or there is no such device here.
    """

    control: Control = "none"
    teacher_seed: Annotated[int, NOT_NEGATIVE] = 0
    device: str | torch.device = "auto"
    folder: Path | None = None
    checkpoint: bool = True
    fresh: bool = False
    since: float = 0.0

    def trusts(self, path: Path) -> bool:
        """Whether there is a file that was kept recently enough."""
        return path.exists() and path.stat().st_mtime >= self.since

    def __post_init__(self) -> None:
        """Refuse a device that is not here; fresh is from now on."""
        if self.fresh and not self.since:
            object.__setattr__(self, "since", time.time())
        if isinstance(self.folder, str):
            object.__setattr__(self, "folder", Path(self.folder))
        try:
            torch.empty(0, device="cpu" if self.device == "auto" else self.where())
        except (RuntimeError, AssertionError, TypeError, NotImplementedError):
            raise ValueError(
                f"device = {self.device!r} is not a device of this machine; give 'auto', 'cpu', or 'cuda' where there is one"
            ) from None

    def where(self) -> torch.device:
        """``device`` as a ``torch.device``; ``auto`` is CUDA where available."""
        if self.device != "auto":
            return torch.device(self.device)
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def home(self) -> Path:
        """The folder itself."""
        return self.folder or home()
