"""What tells apart the functions, classes, objects and models that a user hands in: their code and their state.

A cell of a notebook may be changed and run again, or a number it reads may be. Without this, the runs of the earlier
version would be taken for those of the new one. The digest of a thing covers everything its numbers can depend on:

- of a function its instructions, constants, defaults, closure, and the global names it reads: helper functions, classes,
  numbers, and attributes of modules that are not part of a release, each followed in turn;
- of a class its members and its bases; of an object its class and all its attributes, whether registered or not;
- of an array or tensor its shape, type and content; of a net also its hooks, and which of its tensors are one.

Installed packages and Python itself are told apart by their version. Comments, positions in a file, names of files and the
order of sets do not count. The digest is the same in every process.

What cannot be read (an open file, a generator, a lock, an object of a compiled extension that cannot be copied) is named
in ``Identity.unaddressed``; the digest is then another one each time, so that nothing is ever taken for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from workbench.records.released import is_released
from workbench.records.walk import Walk


class Identity(NamedTuple):
    """What tells a thing apart.

    Attributes:
        digest: 16 hexadecimal digits.
        own: whether code is in it that is not part of a release.
        unaddressed: what in it cannot be read, in words; the digest is another one each time if there is any.
    """

    digest: str
    own: bool
    unaddressed: tuple[str, ...]


def identity_of(thing: Any, drawn: Iterable[Any] = ()) -> Identity:
    """The identity of anything: a model, a factory, an augmentation, a method, an estimator, plain values.

    Args:
        thing: of which it is.
        drawn: tensors in it whose content a seed draws, so that it does not count.
    """
    return read_from(thing, drawn)[0]


def read_from(thing: Any, drawn: Iterable[Any] = ()) -> tuple[Identity, set[int]]:
    """The identity of anything, and where in memory the trained tensors are that it holds or can reach.

    What a function or method can reach, through closures and globals, is among them.

    Args:
        thing: of which it is.
        drawn: tensors in it whose content a seed draws, so that it does not count.
    """
    walk = Walk(drawn)
    digest = walk.digest(thing).hex()[:16]
    return Identity(digest, walk.own, tuple(dict.fromkeys(walk.unaddressed))), set(walk.places)


def own_code(things: Iterable[Any]) -> str:
    """16 hexadecimal digits for things that are more than a named part of a release; empty if there are none.

    Args:
        things: functions, classes, other callables, models, in any order.
    """
    digests = sorted(Walk().digest(thing) for thing in things if not is_released(thing))
    return hashlib.sha256(b"".join(digests)).hexdigest()[:16] if digests else ""
