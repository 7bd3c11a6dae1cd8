"""Finished runs and studies on disk: rows in a database, tensors in files beside it."""

from __future__ import annotations

from workbench.engine.store.errors import CorruptArtifact, CorruptRow, StoreError
from workbench.engine.store.store import Store, open_store

__all__ = ["CorruptArtifact", "CorruptRow", "Store", "StoreError", "open_store"]
