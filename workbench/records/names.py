"""Finding things by the names people write."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

_PARAMETERS = {
    "method": "a name has no parameters: `workbench distill -m dkd --set temperature=2`, or in Python the object, "
    "methods.DKD(temperature=2.0)",
    "setting": "a name has no options: `workbench distill -s digits --with student_labels=60`, or in Python the object, "
    "settings.Digits(student_labels=60)",
}
"""How parameters are set, by what somebody tried to give them to."""


def key_of(kind: str, name: str, spellings: Mapping[str, str]) -> str:
    """The key that a name stands for, ignoring case, hyphens, underscores and spaces.

    Args:
        kind: what is looked for, such as ``method``; the command that lists them all is its plural.
        name: as it was written.
        spellings: the key of each name that is known.

    Raises:
        KeyError: no key has that spelling; the message names the nearest, or how parameters are set if there are some in the name.
    """
    keys = _by_flat_name(spellings)
    if _flat(name) in keys:
        return keys[_flat(name)]
    if any(mark in name for mark in "(="):
        raise KeyError(f"no {kind} {name!r}; {_PARAMETERS[kind]}")
    near = get_close_matches(_flat(name), keys, 25, 0.5)  # several names may lead to one key
    nearest = ", ".join(list(dict.fromkeys(keys[spelling] for spelling in near))[:5])
    hint = f"nearest: {nearest}" if nearest else f"`workbench {kind}s` lists all {len({*keys.values()})}"
    raise KeyError(f"no {kind} {name!r}; {hint}")


def key_or_none(name: str, spellings: Mapping[str, str]) -> str | None:
    """The same; None for a name that is not known."""
    return _by_flat_name(spellings).get(_flat(name))


def _by_flat_name(spellings: Mapping[str, str]) -> dict[str, str]:
    return {_flat(spelling): key for spelling, key in spellings.items()}


def class_name(label: Any) -> str:
    """The name of a class, the same for 1, 1.0, "1" and b"1"."""
    if isinstance(label, bytes):
        return label.decode(errors="replace")
    whole = hasattr(label, "is_integer") and label.is_integer()  # floats of Python and of numpy
    return str(int(label)) if whole else str(label)


def _flat(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")
