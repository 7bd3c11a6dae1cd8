"""The page stands alone: everything inline, everything escaped, everything said."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser

from tests import examples
from workbench.records.run import Run
from workbench.records.study import Study
from workbench.reports.page import report
from workbench.settings.setting import Setting

LOADING = {"src", "href", "action", "data", "poster", "srcset", "background"}


class _Page(HTMLParser):
    """Tags with their attributes, and the text outside scripts and styles."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] and self.tags[-1][0] not in ("script", "style"):
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def _page(thing: Any, tmp_path: Path, setting: Any = None) -> _Page:
    return _Page(report(thing, tmp_path / "page.html", setting).read_text(encoding="utf-8"))


def _images(run: Any, ids: Any = None) -> Any:
    """What the gallery asks of a setting."""
    ids = torch.as_tensor(run.test_ids if ids is None else ids)
    setting = object.__new__(Setting)
    test = SimpleNamespace(ids=ids, inputs=torch.rand(len(ids), 1, 8, 8))
    vars(setting).update(name="digits", look="image", test=test)
    return setting


def _stored(study: Study) -> Study:
    """A study that knows where its runs are."""
    runs = {
        f"{name}-{o.seed}": examples.run(name=name, seed=o.seed) for name, a in study.arms.items() for o in a.outcomes
    }
    arms = {
        name: replace(arm, outcomes=tuple(replace(o, run=f"{name}-{o.seed}") for o in arm.outcomes))
        for name, arm in study.arms.items()
    }
    return replace(study, arms=arms).with_runs(runs.__getitem__)


@pytest.mark.parametrize("thing", [examples.run(), _stored(examples.study())], ids=["run", "study"])
def test_nothing_is_loaded_from_elsewhere(thing: Any, tmp_path: Path) -> None:
    page = _page(thing, tmp_path)
    loads = [value for _, attributes in page.tags for key, value in attributes.items() if key in LOADING]
    assert [value for value in loads if not value.startswith("data:")] == []
    assert not [each for each in page.all("script") if "src" in each]
    assert page.all("link") == page.all("iframe") == []
    policy = next(each["content"] for each in page.all("meta") if each.get("http-equiv"))
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy


def test_plotly_stands_in_it_once(tmp_path: Path) -> None:
    source = report(_stored(examples.study()), tmp_path / "page.html").read_text(encoding="utf-8")
    assert source.count("plotly.js v") == 1
    assert source.count("Plotly.newPlot(") - source.split("</head>")[0].count("Plotly.newPlot(") == 5


def test_a_run_says_everything(tmp_path: Path) -> None:
    run = examples.run(changes=({"step": 40, "name": "temperature", "value": 8.0},))
    page = _page(run, tmp_path, _images(run))
    for words in (
        "kd on digits, seed 0",
        "temperature = 4.0",
        "one seed, no verdict",
        "learning_rate = 0.05",
        "torch 2.13.0",
        run.id,
        f"student {run.scores['student'].last:.2f}",
        "Student and teacher pick the same class on",
        "furthest apart",
        "40 temperature 8.0",
        "arXiv:2106.05945",
    ):
        assert words in page.text, words
    assert len(page.all("img")) == 12
    ids = [int(each["alt"].removeprefix("test sample ")) for each in page.all("img")]
    rows = [run.test_ids.tolist().index(i) for i in ids]
    assert all(run.predictions["student"][r].argmax() != run.predictions["teacher"][r].argmax() for r in rows)


def test_a_study_says_its_verdicts(tmp_path: Path) -> None:
    study = _stored(examples.study(arms=4))
    text = _page(study, tmp_path).text
    assert all(found.sentence in text for found in study.comparisons.values())
    assert all(note in text for note in study.notes)
    assert [f"method_{k}, seed 0" in text for k in (1, 2, 3)] == [True] * 3
    assert "labels_only, seed 0" not in text


def test_a_study_without_a_store_still_has_its_numbers(tmp_path: Path) -> None:
    page = _page(examples.study(), tmp_path)
    assert "method_2: not distinguishable" in page.text
    assert "Curves" not in page.text


@pytest.mark.parametrize("thing", examples.hostile()[2:4], ids=["run", "study"])
def test_hostile_names_are_only_text(thing: Any, tmp_path: Path) -> None:
    page = _page(thing, tmp_path)
    assert page.all("img") == []
    assert not [value for _, attributes in page.tags for key, value in attributes.items() if key.startswith("on")]
    assert examples.HOSTILE in page.text


def test_numbers_that_are_missing_leave_gaps(tmp_path: Path) -> None:
    for thing in (each for each in examples.incomplete() if isinstance(each, Run | Study)):
        text = _page(thing, tmp_path).text
        assert "None" not in text
        assert "verdict" in text


def test_a_run_that_touched_test_data_says_so(tmp_path: Path) -> None:
    assert "barred from studies" in _page(examples.run(leaks_test=True), tmp_path).text


def test_a_regression_has_no_agreement_and_no_interval(tmp_path: Path) -> None:
    run = examples.run()
    text = _page(replace(run, setting={**run.setting, "task": "regression"}), tmp_path).text
    assert "Agreement with the teacher" not in text
    assert not re.search(r"\d to \d", text)


def test_other_test_data_is_refused(tmp_path: Path) -> None:
    run = examples.run()
    with pytest.raises(ValueError, match="was scored on other data"):
        report(run, tmp_path / "page.html", _images(run, range(5)))
    assert not (tmp_path / "page.html").exists()


def test_anything_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"report\(thing\) needs a Run or a Study or a text, not a dict"):
        report({}, tmp_path / "page.html")


def test_folders_are_made_and_the_path_returned(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "page.html"
    assert report(examples.run(), str(path)) == path
    assert path.stat().st_size > 4_000_000


@pytest.mark.browser
@pytest.mark.parametrize("width", [480, 1200])
@pytest.mark.parametrize("kind", ["run", "study", "hostile"])
def test_it_opens_from_a_file_without_a_request(browser: Browser, kind: str, width: int, tmp_path: Path) -> None:
    run = examples.run()
    thing = {"run": run, "study": _stored(examples.study()), "hostile": examples.hostile()[2]}[kind]
    path = report(thing, tmp_path / "page.html", _images(run) if kind == "run" else None)
    page = browser.new_page(viewport={"width": width, "height": 900})
    requests, said = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.goto(path.as_uri())
    page.wait_for_function(
        "[...document.querySelectorAll('.js-plotly-plot')].every((p) => p.querySelector('.main-svg'))"
    )
    assert page.locator(".js-plotly-plot").count() >= 2
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    drawn = page.evaluate("[...document.images].every((i) => i.naturalWidth === 8)")
    page.close()
    assert drawn
    assert [url for url in requests if not url.startswith(("data:", "blob:"))] == [path.as_uri()]
    assert said == []
