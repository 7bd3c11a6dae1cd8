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
        replay: changes of an earlier run, ``{"party", "step", "name", "value"}``, repeated at the same steps.
    """

    def __init__(self, method: Method, replay: Iterable[Mapping[str, Any]] = ()) -> None:
        """An empty mailbox."""
        self.method, self._waiting, self._lock = method, {}, threading.Lock()
        self._replay = [dict(change) for change in replay]

    def set(self, name: str, value: Any) -> None:
        """Ask for a change at the next step; the last value of a name wins.

        Raises:
            KeyError: the method has no such parameter.
            ValueError: the value is not allowed.
        """
        value = self.method.checked(name, value)
        with self._lock:
            self._waiting[name] = value

    def take(self, party: str, step: int) -> dict[str, Any]:
        """What is to be changed before a step of a party; what is asked for now wins over what is repeated."""
        if not self._waiting and not self._replay:
            return {}
        due = [change for change in self._replay if change["party"] == party and change["step"] <= step]
        self._replay = [change for change in self._replay if change not in due]
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        return {change["name"]: change["value"] for change in due} | waiting

    def skip(self, done: Iterable[Mapping[str, Any]]) -> None:
        """Do not repeat what an interrupted run had already changed."""
        done = list(done)
        self._replay = [change for change in self._replay if change not in done]
