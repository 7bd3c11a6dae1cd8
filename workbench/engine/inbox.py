"""What a user asked of a running session, read by its worker between two events."""

from __future__ import annotations

import queue
from collections.abc import Callable


class Stopped(Exception):
    """The user pressed Stop."""


class Inbox:
    """Pause, resume, step and stop; safe to post to from any thread.

    Args:
        on_change: told ``True`` when the worker pauses and ``False`` when it goes on.
    """

    def __init__(self, on_change: Callable[[bool], None]) -> None:
        """Empty."""
        self._queue: queue.Queue[tuple[str, int]] = queue.Queue()
        self._on_change = on_change
        self._paused, self._allowed = False, 0

    def post(self, act: str, steps: int = 0) -> None:
        """Leave ``pause``, ``resume``, ``stop``, or ``step`` with a number of steps."""
        self._queue.put((act, steps))

    def attend(self) -> None:
        """Act on what came in; waits here while paused.

        Raises:
            Stopped: stop came in.
        """
        while True:
            try:
                act, steps = self._queue.get(block=self._paused and not self._allowed)
            except queue.Empty:
                return
            if act == "stop":
                raise Stopped
            self._paused, self._allowed = act != "resume", steps
            self._on_change(self._paused and not self._allowed)

    def stepped(self) -> None:
        """One of the steps that were asked for is done."""
        if self._allowed:
            self._allowed -= 1
            self._on_change(not self._allowed)
