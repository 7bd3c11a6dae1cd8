"""The files that an exported run was written to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Exported:
    """What was written, and what could not be.

    Attributes:
        files: by form: ``state_dict``, ``safetensors``, ``torch.export``, ``onnx``, ``description``.
        skipped: by form that was left out, the reason.
    """

    files: Mapping[str, Path]
    skipped: Mapping[str, str]

    def __repr__(self) -> str:
        """A line per form."""
        written = [f"{form}: {path}" for form, path in self.files.items()]
        return "\n".join([*written, *(f"{form}: not written: {reason}" for form, reason in self.skipped.items())])
