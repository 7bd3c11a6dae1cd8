"""The picture of a method: well-formed, in theme colours, with one line for each link, and safe."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from tests.examples import HOSTILE
from workbench.drawing import theme
from workbench.drawing.schematic import svg
from workbench.methods.catalog import catalog
from workbench.methods.matched import matched

METHODS = catalog()
SPACE = "{http://www.w3.org/2000/svg}"
WIDE, LINK = 690, theme.AGREEMENT.color


def drawn(key: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg(matched(METHODS[key])))


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SPACE}text")]


@pytest.mark.parametrize("key", METHODS)
def test_every_method_has_a_picture_in_theme_colours_that_stays_in_its_frame(key) -> None:
    root = drawn(key)
    said = svg(matched(METHODS[key]))
    known = {*(s.color for s in theme.PARTIES.values()), theme.OTHER.color, theme.LINE, theme.TEXT}
    assert set(re.findall(r'(?:fill|stroke)="([^"]+)"', said)) <= known
    for box in root.iter(f"{SPACE}rect"):
        assert float(box.get("x")) >= 0
        assert float(box.get("x")) + float(box.get("width")) <= WIDE
    assert (root.find(f"{SPACE}title").text or "").startswith("Inputs: ")


def test_parts_that_are_read_are_filled_and_joined() -> None:
    root = drawn("kd")
    filled = [r for r in root.iter(f"{SPACE}rect") if r.get("fill-opacity") != "0"]
    assert [r.get("stroke") for r in filled] == [theme.STUDENT.color, theme.TEACHER.color]
    joints = [line for line in root.iter(f"{SPACE}line") if line.get("stroke") == LINK]
    assert len(joints) == 1
    assert joints[0].get("x1") == joints[0].get("x2")
    assert {"the teacher, frozen", "student", "labels", "soft", "the data"} <= set(texts(root))


def test_what_stands_between_is_drawn() -> None:
    assert "adapter" in texts(drawn("fitnets"))
    assert "samples \u00d7 samples" in texts(drawn("similarity_preserving"))
    assert "samples \u00d7 samples" not in texts(drawn("fitnets"))
    alone = drawn("labels_only")
    assert [line for line in alone.iter(f"{SPACE}line") if line.get("stroke") == LINK] == []
    assert {r.get("stroke") for r in alone.iter(f"{SPACE}rect")} == {theme.STUDENT.color, theme.LINE}


def test_a_peer_that_learns_too_has_the_colour_of_the_student() -> None:
    assert theme.TEACHER.color not in {r.get("stroke") for r in drawn("deep_mutual_learning").iter(f"{SPACE}rect")}


def test_long_lists_and_names_are_cut() -> None:
    many = replace(matched(METHODS["crd"]), terms=tuple(f"term_{k}" for k in range(9)), partner="a" * 80)
    found = texts(ElementTree.fromstring(svg(many)))
    assert "and 6 more" in found
    assert "term 2" in found
    assert "term 3" not in found
    assert "student projection, \u2026" in found
    assert max(map(len, found)) < 50


def test_names_are_escaped() -> None:
    bad = replace(matched(METHODS["fitnets"]), partner=HOSTILE, terms=(HOSTILE,), learnt=HOSTILE, inputs=HOSTILE)
    said = svg(bad)
    assert "<img" not in said
    ElementTree.fromstring(said)
