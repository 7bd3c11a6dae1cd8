"""Method cards: everything a method declares is on them, and escaped."""

from __future__ import annotations

import base64
import html
import inspect
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from workbench.methods.catalog import catalog
from workbench.methods.features.crd import CRD
from workbench.methods.logits.dkd import DKD
from workbench.methods.logits.kd import KD
from workbench.methods.method import Method
from workbench.reports.method_card import card

METHODS = catalog()


class Balanced(HTMLParser):
    """Every element that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs) -> None:
        self.seen.add(tag)
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag


def words(body: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


@pytest.mark.parametrize("key", METHODS)
def test_every_method_has_a_whole_card(key) -> None:
    found = card(key)
    shown = found._repr_html_()
    parser = Balanced()
    parser.feed(shown)
    assert parser.open == []
    assert {"h3", "img", "pre", "dl", "details", "code"} <= parser.seen
    assert not {"script", "iframe", "object"} & parser.seen
    cls, said = METHODS[key], words(found.body)
    for text in (cls.citation.title, str(cls.citation.year), cls.evidence.where, *cls.aliases):
        assert " ".join(text.split()) in said
    assert found.name == key
    assert f"MethodCard({key}: {cls.citation.title}" in repr(found)


def test_the_code_is_the_file_itself() -> None:
    found = re.search(r"<details>.*?<pre><code>(.*?)</code></pre></details>", card("dkd").body, re.DOTALL)
    assert html.unescape(found[1]) == Path(inspect.getfile(DKD)).read_text(encoding="utf-8")


def test_formula_picture_and_parameters() -> None:
    body = card("dkd").body
    assert "<pre>L = CE(s, y) + ramp * T^2 * (alpha * KL(b_t || b_s) + beta * KL(n_t || n_s))" in body
    drawing = base64.b64decode(re.search(r"data:image/svg\+xml;base64,([^\"]+)", body)[1]).decode()
    assert "non target classes" in drawing
    assert 'alt="Inputs: the data. Partner: the teacher, frozen. Compared: logits.' in body
    assert "beta 8 0 to" in words(body)
    assert "paper, neighbours" not in words(body)
    assert "kernel, neighbours" in words(card("correlation_congruence").body)
    assert "str, or none" in words(card("crd").body)


def test_published_numbers_with_their_dagger() -> None:
    said = words(card("overhaul").body)
    assert "OFD A 75.24\u2020, B 74.33, C 70.98, D 71.29\u2020" in said
    assert "H 69.48\u2020, I 69.04" in said
    assert "made with weight 0.001; kernel 1" in said
    assert "beta 8 (F, K, L, I, M)" in words(card("dkd").body)
    assert "Published" not in words(card("gkd").body)


def test_a_method_that_may_look_at_test_data_says_so() -> None:
    assert "barred from studies" in words(card("confusion_distillation").body)
    assert "barred from studies" not in words(card("kd").body)


def test_the_values_of_a_method_stand_beside_the_defaults() -> None:
    said = words(card(DKD(beta=2.0)).body)
    assert "parameter default here range meaning" in said
    assert re.search(r"beta 8 2 0 to", said)
    assert "parameter default range meaning" in words(card(DKD()).body)
    assert card(DKD).body == card("decoupled").body == card("dkd").body


class Mine(Method):
    """<script>alert(1)</script> of my own.

    Reads: logits only, <b>really</b>.
    """


def test_ones_own_method_has_a_card_without_a_paper_and_escaped() -> None:
    found = card(Mine)
    assert (found.name, found.title) == ("Mine", "a method of your own")
    assert "<script>" not in found.body
    assert "<b>" not in found.body
    assert "&lt;script&gt;alert(1)&lt;/script&gt; of my own." in found.body
    assert "class Mine(Method):" in words(found.body)
    assert "no paper is named" in found.body


@pytest.mark.parametrize("given", ["wttm+crd", KD() + CRD()], ids=["name", "sum"])
def test_a_sum_has_several_cards(given) -> None:
    with pytest.raises(ValueError, match=r"a card for each part: card\('\w+'\), card\('crd'\)"):
        card(given)


def test_the_parts_of_a_plus_plus_row_are_named() -> None:
    with pytest.raises(ValueError, match=r"a card for each part: card\('kd'\), card\('norm_direction'\)"):
        card("kd++")


def test_an_unknown_name_is_an_error_with_the_nearest() -> None:
    with pytest.raises(KeyError, match="no method 'dkdd'; nearest: dkd"):
        card("dkdd")
