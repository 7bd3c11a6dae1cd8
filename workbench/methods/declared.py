"""What is written about a method, to be shown as it stands: the sections of its docstrings, and its code.

The docstring of its file has the idea, ``Formula:``, ``Faithful to:``, ``Departs from it:``, ``Cost:`` and ``Setting:``, that
of its class ``Terms:``. What is missing, as it may be in a method of your own, is an empty text. Nothing is decided by these
texts: what a method reads, learns and needs stands in its class attributes.
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from workbench.methods.method import Method

HEADS = ("Formula", "Faithful to", "Departs from it", "Setting", "Cost")


@dataclass(frozen=True)
class Declared:
    """The words of one method.

    Attributes:
        summary: the first line of its class.
        idea: the first sentence of its file.
        intuition: the paragraph below.
        formula: as plain text.
        faithful: the source of the formula.
        departs: what is not as there.
        expected: the relation that is tested, and on which setting.
        cost: what it takes in time and memory.
        terms: names and shapes of the loss terms.
        code: of its file; of its class where it stands in a notebook; empty where it cannot be had.
        path: of the file, from the top of the project; the class name where it is not one of ours.
    """

    summary: str
    idea: str
    intuition: str
    formula: str
    faithful: str
    departs: str
    expected: str
    cost: str
    terms: str
    code: str
    path: str


def declared(cls: type[Method]) -> Declared:
    """Everything a class and its file say.

    Example:
        >>> from workbench.methods.logits.kd import KD
        >>> declared(KD).terms.startswith("``labels`` and ``soft``")
        True
    """
    about, module = inspect.getdoc(cls) or "", sys.modules.get(cls.__module__)
    written = inspect.getdoc(module) if _ours(cls) else None
    parts = _parts(written or "")
    paragraphs = parts[""].split("\n\n")
    code, path = _code(cls)
    return Declared(
        summary=about.partition("\n")[0],
        idea=_flowing(paragraphs[0]) or about.partition("\n")[0],
        intuition=_flowing(" ".join(paragraphs[1:])),
        formula=dedent(parts["Formula"].strip("\n")),
        faithful=_flowing(parts["Faithful to"]),
        departs=_flowing(parts["Departs from it"]),
        expected=_flowing(parts["Setting"]),
        cost=_sentence(parts["Cost"]),
        terms=_line(about, "Terms"),
        code=code,
        path=path,
    )


def _ours(cls: type) -> bool:
    return cls.__module__.startswith("workbench.methods.")


def _parts(text: str) -> dict[str, str]:
    """The text before the first head under an empty name, then what follows each head."""
    pieces = re.split(rf"^({'|'.join(HEADS)}):", text, flags=re.MULTILINE)
    return {"": pieces[0], **dict.fromkeys(HEADS, ""), **dict(zip(pieces[1::2], pieces[2::2], strict=True))}


def _line(text: str, head: str) -> str:
    """What stands after ``Terms:``, up to the next line that is not indented."""
    found = re.search(rf"^{head}: (.+(?:\n +.+)*)", text, re.MULTILINE)
    return _flowing(found[1]) if found else ""


def _flowing(text: str) -> str:
    return " ".join(text.split())


def _sentence(text: str) -> str:
    flowing = _flowing(text)
    return flowing[:1].upper() + flowing[1:]


def _code(cls: type[Method]) -> tuple[str, str]:
    name = f"{cls.__module__}.{cls.__qualname__}"
    try:
        if _ours(cls):
            file = Path(inspect.getfile(cls))
            return file.read_text(encoding="utf-8"), f"{cls.__module__.replace('.', '/')}.py"
        return inspect.getsource(cls), name
    except (OSError, TypeError):
        return "", name
