"""Content addresses of runs and of models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from torch import nn

from workbench.records.code import own_code
from workbench.settings.signature import signature


def address(parts: Mapping[str, Any]) -> str:
    """12 hexadecimal digits that differ when any part does."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]


def own_code_of(method: nn.Module) -> dict[str, str]:
    """The digest of a method's code, of its parts and of its gradient rule, if it is the user's own."""
    code = own_code({type(part) for part in method.modules()})
    return {"code": code} if code else {}


def model_digest(model: nn.Module) -> str:
    """16 hexadecimal digits that differ when a model's structure or weights do."""
    return hashlib.sha256(signature(model).encode()).hexdigest()[:16]
