"""Content addresses of runs and of models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from torch import nn

from workbench.settings.signature import signature


def address(parts: Mapping[str, Any]) -> str:
    """12 hexadecimal digits that differ when any part does."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]


def model_digest(model: nn.Module) -> str:
    """16 hexadecimal digits that differ when a model's structure or weights do."""
    return hashlib.sha256(signature(model).encode()).hexdigest()[:16]
