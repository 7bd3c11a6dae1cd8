"""Gallery without a kernel: which cards are sent, and that only they are."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from workbench.records.selection import Selection
from workbench.widgets.gallery import Gallery

COUNT, CLASSES = 15, 3
IDS = 100 + np.arange(COUNT)


def samples(**changes: Any) -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {
        "inputs": random.integers(0, 256, (COUNT, 4, 5), np.uint8),
        "student_logits": random.normal(size=(COUNT, CLASSES)),
        "teacher_logits": random.normal(size=(COUNT, CLASSES)),
        "labels": np.arange(COUNT) % CLASSES,
        "ids": IDS,
    } | changes


def shown(gallery: Gallery) -> list[str]:
    return [card["id"] for card in gallery._cards]


def test_only_the_page_in_view_is_sent() -> None:
    given = samples()
    gallery = Gallery(**given)
    assert (gallery.page, gallery.pages, gallery.total) == (0, 3, COUNT)
    assert shown(gallery) == [str(i) for i in IDS[:6]]
    assert gallery._pixels == given["inputs"][:6].tobytes()
    gallery.set_state({"page": 2})
    assert shown(gallery) == [str(i) for i in IDS[12:]]
    assert gallery._pixels == given["inputs"][12:].tobytes()
    assert gallery._shape == [4, 5, 1]
    card = gallery._cards[0]
    assert card["label"] == 0
    assert card["student"] == list(given["student_logits"][12])
    assert card["teacher"] == list(given["teacher_logits"][12])


def test_a_page_that_does_not_exist_is_the_nearest() -> None:
    gallery = Gallery(**samples())
    gallery.page = 99
    assert (gallery.page, len(gallery._cards)) == (2, 3)
    gallery.page = -1
    assert gallery.page == 0


def test_colour_images_keep_their_channels() -> None:
    inputs = np.zeros((COUNT, 4, 5, 3), np.uint8)
    gallery = Gallery(**samples(inputs=inputs))
    assert gallery._shape == [4, 5, 3]
    assert len(gallery._pixels) == 6 * 4 * 5 * 3


def test_texts_are_cards_without_pixels() -> None:
    gallery = Gallery(**samples(inputs=[f"<b>text {i}</b>" for i in range(COUNT)]))
    assert (gallery._shape, gallery._pixels) == ([], b"")
    assert gallery._cards[1]["text"] == "<b>text 1</b>"


def test_show_filters_in_the_gallerys_order_and_returns_to_the_first_page() -> None:
    gallery = Gallery(**samples())
    gallery.page = 2
    gallery.show(Selection(np.array([114, 102, 999])))
    assert (gallery.page, gallery.pages, gallery.total) == (0, 1, 2)
    assert shown(gallery) == ["102", "114"]
    gallery.show([103])
    assert shown(gallery) == ["103"]
    gallery.show(Selection(np.array([], int)))
    assert gallery.total == COUNT


def test_a_selection_of_none_of_its_samples_shows_none() -> None:
    gallery = Gallery(**samples())
    gallery.show([7])
    assert (gallery.total, gallery.pages, gallery._cards, gallery._pixels) == (0, 1, [], b"")


def test_the_state_round_trips_as_small_json() -> None:
    gallery = Gallery(**samples(), temperature=4.0)
    gallery.show(Selection(IDS[3:12], "disagreed"))
    gallery.page = 1
    state = json.loads(json.dumps(gallery.state()))
    given = samples()
    again = Gallery.from_state(state, given.pop("inputs"), **given)
    assert (again.temperature, again.page) == (4.0, 1)
    assert shown(again) == shown(gallery) == ["109", "110", "111"]
    assert again.state() == state


def test_a_sample_without_a_label_is_allowed() -> None:
    gallery = Gallery(**samples(labels=np.full(COUNT, -1)))
    assert gallery._cards[0]["label"] == -1


def test_no_sample_at_all_is_an_empty_gallery() -> None:
    nothing = np.empty((0, CLASSES))
    gallery = Gallery(np.empty((0, 4, 4), np.uint8), student_logits=nothing, teacher_logits=nothing, labels=[])
    assert (gallery.total, gallery.pages, gallery._cards) == (0, 1, [])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"inputs": np.zeros((COUNT, 4, 5))}, r"inputs are float64 of shape \(15, 4, 5\)"),
        ({"inputs": np.zeros((COUNT, 4, 5, 2), np.uint8)}, r"uint8 of shape \(15, 4, 5, 2\)"),
        ({"teacher_logits": np.zeros((COUNT, 4))}, r"teacher_logits have shape \(15, 4\).*need \(15, 3\)"),
        ({"student_logits": np.full((COUNT, CLASSES), np.nan)}, "student_logits are not finite in 15 of 15 rows"),
        ({"labels": [0, 1]}, r"15 inputs need as many labels and ids; given \(2,\)"),
        ({"labels": np.full(COUNT, 3)}, "labels run from 3 to 3; there are 3 classes"),
        ({"class_names": ["one", "two"]}, r"2 class names need \(15, 2\)"),
        ({"temperature": 0.0}, r"temperature is 0\.0; it must be above zero"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Gallery(**samples(**changes))
