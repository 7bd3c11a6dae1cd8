"""Work that a control asks for: on a thread of its own, the latest request only."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Thread
from typing import Any


class Latest:
    """Does what was asked last; what was asked before and not begun yet is dropped.

    Args:
        work: called with a request, on the thread; what it raises ends that request only, and goes to ``failed``.
        failed: called with the error.
    """

    def __init__(self, work: Callable[[Any], object], failed: Callable[[Exception], object]) -> None:
        """No thread runs until something is asked."""
        self._work, self._failed = work, failed
        self._turn, self._waiting, self._busy = Condition(), list[Any](), False

    def ask(self, request: Any) -> None:
        """Returns at once."""
        with self._turn:
            self._waiting = [request]
            if not self._busy:
                self._busy = True
                Thread(target=self._run, name="workbench-latest", daemon=True).start()

    def wait(self, seconds: float = 60) -> bool:
        """Until all that was asked is done; False if it took longer."""
        with self._turn:
            return self._turn.wait_for(lambda: not self._busy, seconds)

    def _run(self) -> None:
        while True:
            with self._turn:
                if not self._waiting:
                    self._busy = False
                    self._turn.notify_all()
                    return
                request = self._waiting.pop()
            try:
                self._work(request)
            except Exception as error:  # shown to the user, who goes on with another request
                self._failed(error)
