"""Words inside figures: Plotly reads some HTML and LaTeX in them, which names from data must not reach."""

from __future__ import annotations

MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;", "\n": " ", "\r": " "})
LONGEST = 28


def escaped(text: object) -> str:
    """The text as it is, with nothing in it that Plotly would interpret."""
    return str(text).translate(MARKUP)


def label(text: object, longest: int = LONGEST) -> str:
    """The same, cut in the middle where it is too long to stand beside an axis."""
    text = str(text)
    if len(text) > longest:
        head = longest // 2
        text = f"{text[:head]}\u2026{text[head - longest + 1 :]}"
    return escaped(text)


def sentence(name: str) -> str:
    """A name from code as words: ``teacher_only`` -> ``teacher only``."""
    return escaped(name.replace("_", " "))


def with_unit(score: str) -> str:
    """A score's name with its unit: accuracies are in points of 100."""
    return f"{sentence(score)} (%)" if "accuracy" in score else sentence(score)


def short(value: object) -> str:
    """A value of a control in a few characters; not escaped."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:12]
