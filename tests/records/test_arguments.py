"""The sentences that refuse an argument are in words of the reader, not in names of a library's inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from numpy.typing import ArrayLike

from workbench.records.arguments import checked_arguments

Heard = Callable[[int], object]


@checked_arguments
def asked(
    by_name: Mapping[str, ArrayLike] | None = None,
    one: Heard | Sequence[Heard] = len,
    several: Sequence[Heard] | Heard = len,
) -> None:
    """Takes arrays by name, and functions."""


def test_arrays_are_called_arrays() -> None:
    with pytest.raises(
        TypeError, match=r"^asked\(by_name\) needs None or a dict whose values are each an array, not the int 3$"
    ):
        asked(3)


@pytest.mark.parametrize("name", ["one", "several"])
def test_a_thing_or_a_list_of_them_is_said_in_the_order_that_has_one_reading(name: str) -> None:
    words = "a function of 1 argument or a list whose entries are each a function of 1 argument"
    with pytest.raises(TypeError, match=rf"\({name}\) needs {words}, not the int 3"):
        asked(**{name: 3})
