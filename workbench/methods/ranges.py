"""Kinds of parameters that many methods have, with the bounds of their sliders."""

from __future__ import annotations

from typing import Annotated

from workbench.records.annotations import Range

Temperature = Annotated[float, Range(0.5, 20.0, 0.5)]
Weight = Annotated[float, Range(0.0, 20.0, 0.1)]
Layer = str | None
