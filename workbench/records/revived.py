"""The live models of a finished run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from workbench.methods.method import Method
    from workbench.settings.setting import Setting


@dataclass(frozen=True)
class Revived:
    """What a run was made of, alive again.

    Attributes:
        models: by party, in evaluation mode with the weights of the run; ``student`` as it is deployed, and
            ``teacher`` where there is one.
        setting: data, and how its models are made.
        method: as it was configured, built for these models; None for one of your own that is not known here.
    """

    models: Mapping[str, nn.Module]
    setting: Setting
    method: Method | None

    @property
    def reads_teacher(self) -> bool:
        """Whether the student learnt from a teacher; taken to be so where the method is not known."""
        return "teacher" in self.models if self.method is None else self.method.reads_teacher

    @property
    def student(self) -> nn.Module:
        """The student as it is deployed."""
        return self.models["student"]

    @property
    def teacher(self) -> nn.Module:
        """The teacher.

        Raises:
            KeyError: there is none; the message lists the models.
        """
        if "teacher" not in self.models:
            raise KeyError(f"this run has no teacher; its models: {', '.join(self.models)}")
        return self.models["teacher"]
