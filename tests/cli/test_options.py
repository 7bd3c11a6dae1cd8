"""NAME=VALUE flags, and verbs made from dataclasses."""

from __future__ import annotations

import pytest

from workbench.cli.options import assignments


def test_assignments_are_read_as_texts() -> None:
    assert assignments(["temperature=4", " layer = a=b ", "labels=None"], "--set") == {
        "temperature": "4",
        "layer": "a=b",
        "labels": None,
    }


def test_no_assignment_is_nothing() -> None:
    assert assignments(None, "--set") == {}


@pytest.mark.parametrize("text", ["temperature", "=4", "temperature=", ""])
def test_what_is_not_an_assignment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"--set .* is not of the form NAME=VALUE, such as temperature=4"):
        assignments([text], "--set")


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="--set temperature is given twice: 4 and 5"):
        assignments(["temperature=4", "temperature=5"], "--set")
