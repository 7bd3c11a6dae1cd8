"""The finder and the cards without a kernel: words and families narrow the list, a choice turns the card."""

from __future__ import annotations

import json

import pytest

from workbench.lab.method_card import MethodCardPanel
from workbench.lab.method_finder import EVERY, MethodFinder
from workbench.methods.catalog import catalog, family_of
from workbench.methods.method import Method
from workbench.reports.method_card import card
from workbench.widgets.panel import panel


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def finder(heard) -> MethodFinder:
    return MethodFinder(heard.append, chosen="dkd")


def offered(finder: MethodFinder) -> list[str]:
    return [key for _, key in finder.found.options]


def test_all_methods_are_offered_at_first(finder) -> None:
    assert offered(finder) == list(catalog())
    assert finder.value == "dkd"
    assert f"{len(catalog())} of {len(catalog())}" in finder.count.value
    assert "Decoupled Knowledge Distillation" in finder.found.label


def test_all_words_must_be_there_in_any_order_and_case(finder) -> None:
    finder.words.value = "2022 Decoupled"
    assert offered(finder) == ["dkd"]
    finder.words.value = "dml"
    assert offered(finder) == ["deep_mutual_learning"]
    finder.words.value = "similarity preserving"
    assert "similarity_preserving" in offered(finder)


def test_a_family_narrows_further(finder) -> None:
    finder.family.value = "relations"
    assert {family_of(catalog()[key]) for key in offered(finder)} == {"relations"}
    finder.words.value = "penultimate"
    assert set(offered(finder)) == {"correlation_congruence", "darkrank", "pkt", "rkd"}


def test_a_choice_is_told_and_narrowing_tells_only_a_new_one(finder, heard) -> None:
    finder.words.value = "decoupled"
    assert heard == []
    finder.words.value = "contrastive representation"
    assert heard == ["crd"]
    finder.words.value = ""
    assert heard == ["crd"]
    finder.found.value = "kd"
    assert heard == ["crd", "kd"]


def test_nothing_fits_is_said_and_harmless(finder, heard) -> None:
    finder.words.value = "zzz"
    assert (offered(finder), finder.value, heard) == ([], "", [])
    assert "clear some of them" in finder.count.value
    finder.words.value = ""
    assert offered(finder) == list(catalog())


def test_a_task_and_exceptions_leave_methods_out() -> None:
    some = MethodFinder(lambda key: None, task="tokens", without=("gkd",))
    assert "gkd" not in offered(some)
    assert all("tokens" in catalog()[key].tasks for key in offered(some))


def test_the_card_follows_the_list() -> None:
    shown = panel(card("dkd"))
    assert isinstance(shown, MethodCardPanel)
    assert shown._text.value == card("dkd")._repr_html_()
    shown.finder.found.value = "crd"
    assert shown.card.name == "crd"
    assert shown._text.value == card("crd")._repr_html_()
    assert repr(shown) == "MethodCardPanel(crd)"


def test_its_state_rebuilds_it() -> None:
    shown = panel(card("kd"))
    shown.finder.family.value = "features"
    shown.finder.words.value = "2020"
    shown.finder.found.value = "crd"
    again = MethodCardPanel.from_state(json.loads(json.dumps(shown.state())))
    assert again.state() == shown.state()
    assert again.card.name == "crd"
    assert shown.finder.family.value != EVERY


class Mine(Method):
    """My own."""


def test_ones_own_method_may_be_the_first_card() -> None:
    shown = panel(card(Mine))
    assert shown.card.name == "Mine"
    assert "My own." in shown._text.value
