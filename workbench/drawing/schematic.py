"""The picture of a method: which parts of student and partner are read, and which of them are compared.

A drawing in SVG, not a plot: it stands in a card that is saved with a notebook and shown without any script. Greys in the
middle and the parties' own colours read on a light page and on a dark one.
"""

from __future__ import annotations

from html import escape

from workbench.drawing import theme
from workbench.methods.matched import Matched

WIDTH, HEIGHT = 690, 262
ROWS = {"partner": 34, "student": 178}
TALL = 46
COLUMNS = {"layers": (138, 128), "features": (292, 88), "logits": (406, 74)}
LOSS = (528, 76, 154, 124)
INPUTS = (6, 104, 100, 50)
LINES, LONG = 5, 20


def svg(found: Matched) -> str:
    """The drawing as a document of its own, 690 wide and as large as its place allows."""
    parts = [_box(*INPUTS, theme.LINE, read=False), *_words(_lines(found.inputs, 15), 56, 129)]
    parts += _party("student", "student", found.student_parts, theme.STUDENT.color)
    parts += [_path(106, 140, 138, ROWS["student"] + TALL / 2)]
    if found.partner:
        color = theme.STUDENT.color if found.partner_learns else theme.TEACHER.color
        parts += _party("partner", found.partner, found.partner_parts, color)
        parts += [_path(106, 118, 138, ROWS["partner"] + TALL / 2)]
    parts += [piece for mine, theirs in found.links for piece in _link(mine, theirs, found)]
    parts += _loss(found)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
    look = f'font-family="{escape(theme.FONT)}" font-size="13" fill="{theme.TEXT}"'
    return f"{head} {look}><title>{escape(str(found))}</title>{_arrow()}{''.join(parts)}</svg>"


def _party(row: str, name: str, read: tuple[str, ...], color: str) -> list[str]:
    """The boxes of one net; those that are read are filled."""
    y, where = ROWS[row], ROWS[row] - 10 if row == "partner" else ROWS[row] + TALL + 22
    drawn = [_text(name if len(name) < 48 else f"{name[:46]}\u2026", 138, where, anchor="start", weight=600)]
    for part, (x, wide) in COLUMNS.items():
        boxes = [(x, 28), (x + 34, 60), (x + 100, 28)] if part == "layers" else [(x, wide)]
        drawn += [_box(place, y, size, TALL, color, read=part in read) for place, size in boxes]
        drawn.append(_text(part, x + wide / 2, y + TALL / 2 + 4))
    gaps = [(266, 292), (380, 406)]
    return drawn + [_path(start, y + TALL / 2, end, y + TALL / 2) for start, end in gaps]


def _link(mine: str, theirs: str, found: Matched) -> list[str]:
    """A line from a part of the student to the one it is compared with, and what stands in between."""
    start, end = _middle(mine), _middle(theirs)
    low, high = ROWS["student"], ROWS["partner"] + TALL
    if found.relations:
        middle = (low + high) / 2
        return [_joint(start, low, start, middle + 20), *_grid(start, middle), _joint(start, middle - 20, end, high)]
    if not found.learnt or mine == "logits":
        return [_joint(start, low, end, high)]
    name = found.learnt if len(found.learnt) <= LONG else f"{found.learnt.split(',')[0]}, \u2026"
    wide = 7 * len(name) + 14
    pill = _box(start - wide / 2, low - 32, wide, 22, theme.AGREEMENT.color, read=True, round_by=10)
    return [_joint(start, low, start, low - 10), pill, _text(name, start, low - 17), _joint(start, low - 32, end, high)]


def _joint(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<line x1="{x:g}" y1="{y:g}" x2="{to_x:g}" y2="{to_y:g}" {_stroke(theme.AGREEMENT.color, 2.5)}/>'


def _loss(found: Matched) -> list[str]:
    """The box with the terms, and the line by which the labels come in."""
    x, y, wide, tall = LOSS
    names = [*("labels",) * found.labels, *found.terms]
    shown = names if len(names) <= LINES else [*names[: LINES - 1], f"and {len(names) - LINES + 1} more"]
    drawn = [
        _box(x, y, wide, tall, theme.LINE, read=False),
        _text("terms of the loss", x + wide / 2, y + 18, weight=600),
    ]
    lines = [f"{name[:LONG]}".replace("_", " ") for name in shown]
    drawn += [_text(line, x + wide / 2, y + 38 + 18 * k) for k, line in enumerate(lines)]
    right = COLUMNS["logits"][0] + COLUMNS["logits"][1]
    drawn.append(_path(right, ROWS["student"] + TALL / 2, x, y + tall - 14))
    return [*drawn, _path(right, ROWS["partner"] + TALL / 2, x, y + 14)] if found.partner else drawn


def _grid(x: float, y: float) -> list[str]:
    """Samples against samples, as a small matrix."""
    cells = [(x - 18 + 12 * column, y - 18 + 12 * row) for row in range(3) for column in range(3)]
    drawn = [_box(*cell, 11, 11, theme.AGREEMENT.color, read=True, round_by=1) for cell in cells]
    return [*drawn, _text("samples \u00d7 samples", x + 26, y + 4, anchor="start")]


def _middle(part: str) -> float:
    x, wide = COLUMNS[part]
    return x + wide / 2


def _lines(text: str, longest: int) -> list[str]:
    """Words in lines of at most so many letters."""
    lines = [""]
    for word in text.split():
        fits = len(lines[-1]) + len(word) < longest
        lines = [*lines[:-1], f"{lines[-1]} {word}".strip()] if fits else [*lines, word]
    return [line for line in lines if line]


def _words(lines: list[str], x: float, y: float) -> list[str]:
    return [_text(line, x, y + 4 + 15 * (k - (len(lines) - 1) / 2)) for k, line in enumerate(lines)]


def _text(text: str, x: float, y: float, *, anchor: str = "middle", weight: int = 400) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'


def _box(x: float, y: float, wide: float, tall: float, color: str, *, read: bool, round_by: float = 4) -> str:
    place = f'x="{x:g}" y="{y:g}" width="{wide:g}" height="{tall:g}" rx="{round_by:g}"'
    return f'<rect {place} fill="{color}" fill-opacity="{0.22 if read else 0}" stroke="{color}" stroke-width="1.5"/>'


def _path(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<line x1="{x:g}" y1="{y:g}" x2="{to_x - 2:g}" y2="{to_y:g}" {_stroke(theme.OTHER.color, 1.2)} marker-end="url(#tip)"/>'


def _stroke(color: str, width: float) -> str:
    return f'stroke="{color}" stroke-width="{width:g}"'


def _arrow() -> str:
    shape = f'<path d="M0,0 L7,3.5 L0,7 z" fill="{theme.OTHER.color}"/>'
    return f'<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="6" refY="3.5" orient="auto">{shape}</marker></defs>'
