"""The newest snapshot of a session, told to its subscribers a few times a second."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from workbench.records.snapshot import Snapshot

Subscriber = Callable[[Snapshot], None]

LOG = logging.getLogger(__name__)
EVERY = 0.2
"""Seconds between two snapshots; what matters is told at once."""


class Board:
    """Written by one worker thread, read by anybody.

    Args:
        snapshot: to begin with.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        """Nobody listens yet."""
        self.snapshot = snapshot
        self._subscribers: list[Subscriber] = []
        self._sent = 0.0
        self._clock = time.monotonic()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Be told of every new snapshot; returns the way to unsubscribe."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber) if subscriber in self._subscribers else None

    def restart_clock(self, seconds_ago: float = 0.0) -> None:
        """The time left is estimated from now on, or from a while ago."""
        self._clock = time.monotonic() - seconds_ago

    @property
    def elapsed(self) -> float:
        """Seconds since the clock was started."""
        return time.monotonic() - self._clock

    @property
    def due(self) -> bool:
        """True if the subscribers have not been told for a while."""
        return time.monotonic() - self._sent >= EVERY

    def note(self, **changes: Any) -> None:
        """Keep a change; it is told with the next snapshot."""
        self.snapshot = replace(self.snapshot, **changes)

    def tell(self, **changes: Any) -> None:
        """Keep a change and tell the subscribers now."""
        self.note(**changes)
        share = self.snapshot.share
        self.note(remaining_s=self.elapsed * (1 - share) / share if 0 < share < 1 else float("nan"))
        for subscriber in tuple(self._subscribers):
            self._show(subscriber)
        self._sent = time.monotonic()

    def _show(self, subscriber: Subscriber) -> None:
        """A view that fails is heard of, and does not stop what it looks at."""
        try:
            subscriber(self.snapshot)
        except Exception:
            LOG.exception("a view of the session failed; the session goes on")
