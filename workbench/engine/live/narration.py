"""What an event of a live run changes in the picture of it."""

from __future__ import annotations

from typing import Any

from workbench.records import events
from workbench.records.snapshot import Snapshot

WORK = {"asking the teacher": "Asking the teacher about every sample.", "scoring": "Scoring on the test samples."}


def told(event: events.Event, snapshot: Snapshot) -> dict[str, Any]:
    """The fields of the snapshot that an event changes, with their new values."""
    if isinstance(event, events.Changed):
        return {"marks": (*snapshot.marks, (event.step, f"{_words(event.name)} \u2192 {_short(event.value)}"))}
    if isinstance(event, events.Warning):
        return {"warnings": tuple(dict.fromkeys([*snapshot.warnings, event.message]))}
    if isinstance(event, events.Finished):
        return {"teacher": event.run.scores["teacher"].validation} if "teacher" in event.run.scores else {}
    if isinstance(event, events.Probe):
        return _probed(event)
    if event.party == "teacher":
        return _taught(event, snapshot)
    if isinstance(event, events.Stage):
        who = "Student and control train side by side."
        return {"message": who if event.party == "student" else f"The {_words(event.party)} trains; the control waits."}
    return {}


def _probed(event: events.Probe) -> dict[str, Any]:
    if event.name == "teacher":
        return {"teacher": event.value}
    return {"message": WORK[event.name]} if event.name in WORK else {}


def _taught(event: events.Event, snapshot: Snapshot) -> dict[str, Any]:
    """Of the teacher's training: how far it is."""
    if isinstance(event, events.Stage):
        return {"message": f"Training the teacher: {event.epochs} epochs, {event.steps} steps."}
    if isinstance(event, events.Epoch):
        value = event.scores["teacher"]
        return {"teacher": value, "message": f"Training the teacher: {value:.1f} on validation after {_epochs(event)}."}
    return {}


def _epochs(event: events.Epoch) -> str:
    return f"{event.epoch} epoch{'s' if event.epoch > 1 else ''}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def in_one_line(error: Exception) -> str:
    """An error as one line; its kind is told where the message alone would say little."""
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    clear = isinstance(error, ValueError | TypeError | RuntimeError | ArithmeticError | KeyError) and len(text) > 20
    return " ".join((text if clear else f"{type(error).__name__}: {text}").split())
