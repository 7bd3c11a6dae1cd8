"""What a user asked of a running session, read by its worker between two steps."""

from __future__ import annotations

import threading


class Stopped(Exception):
    """The user pressed Stop."""


class Inbox:
    """Pause, resume, step and stop; the acts may be called from any thread and return at once."""

    def __init__(self) -> None:
        """Starts with no request pending."""
        self._news = threading.Condition()
        self._stopped = self._paused = False
        self._allowed = 0

    # --- the user's side -----------------------------------------------------------------------------------------
    def pause(self) -> None:
        """Hold before the next step."""
        self._post(paused=True)

    def resume(self) -> None:
        """Go on."""
        self._post(paused=False)

    def step(self, steps: int) -> None:
        """Take so many steps, then hold."""
        with self._news:
            self._paused, self._allowed = True, self._allowed + steps
            self._news.notify_all()

    def stop(self) -> None:
        """End; nothing that is posted later changes it."""
        with self._news:
            self._stopped = True
            self._news.notify_all()

    def _post(self, *, paused: bool) -> None:
        with self._news:
            self._paused, self._allowed = paused, 0
            self._news.notify_all()

    # --- the worker's side ---------------------------------------------------------------------------------------
    def check(self) -> None:
        """Between any two events.

        Raises:
            Stopped: stop came in.
        """
        if self._stopped:
            raise Stopped

    def stepped(self) -> None:
        """One of the steps that were asked for is done."""
        with self._news:
            self._allowed = max(0, self._allowed - 1)

    @property
    def holds(self) -> bool:
        """True if the next step has to wait."""
        return self._paused and not self._allowed and not self._stopped

    @property
    def paused(self) -> bool:
        """True until the user resumes, also while single steps are taken."""
        return self._paused

    def wait(self) -> None:
        """Return as soon as the next step may be taken.

        Raises:
            Stopped: stop came in.
        """
        with self._news:
            self._news.wait_for(lambda: not self.holds)
        self.check()
