"""What can go wrong with a store."""

from __future__ import annotations


class StoreError(RuntimeError):
    """The store could not be read or written; what was stored before is still there."""


class CorruptArtifact(StoreError):
    """A file of tensors is missing, or is not the one that was stored; the message names it."""


class CorruptRow(StoreError):
    """A row of the database is not the one that was stored; the message names it."""
