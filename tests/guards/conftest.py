"""Guards read sources only: they need neither a home nor seeds of their own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def home() -> None:
    """Nothing is stored."""


@pytest.fixture(autouse=True)
def fixed_seeds() -> None:
    """Nothing is drawn."""
