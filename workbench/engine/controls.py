"""Numbers a user may move while a run is going on."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.methods.method import Method


class Controls:
    """A mailbox between a user and a running loop, read once per step.

    Args:
        method: whose parameters may be moved.
        replay: changes of an earlier run, ``{"step", "name", "value"}``, repeated at the same steps.
    """

    def __init__(self, method: Method, replay: Iterable[Mapping[str, Any]] = ()) -> None:
        """An empty mailbox."""
        self.method, self._waiting, self._lock = method, {}, threading.Lock()
        self._replay = sorted(replay, key=lambda change: change["step"])

    def set(self, name: str, value: Any) -> None:
        """Ask for a change at the next step; the last value of a name wins.

        Raises:
            KeyError: the method has no such parameter.
        """
        if name not in self.method.config():
            raise KeyError(f"{self.method.name} has no parameter {name!r}; it has {', '.join(self.method.config())}")
        with self._lock:
            self._waiting[name] = value

    def take(self, step: int) -> dict[str, Any]:
        """What is to be changed before a step, applied to the method."""
        if not self._waiting and not self._replay:
            return {}
        with self._lock:
            changes, self._waiting = self._waiting, {}
        while self._replay and self._replay[0]["step"] <= step:
            change = self._replay.pop(0)
            changes[change["name"]] = change["value"]
        for name, value in changes.items():
            self.method.change(name, value)
        return changes
