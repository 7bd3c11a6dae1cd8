"""The examples of the README run as they stand."""

from __future__ import annotations

import doctest
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

import workbench

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## Your own data and models\n")[2].partition("\n## ")[0]
EXAMPLES = re.findall(r"\*\*(.+?)\*\*[^`]*?(?:`[^`\n]+`[^`]*?)*```python\n(.+?)```", SECTION, re.DOTALL)
NEEDED = ("transformers", "timm")


def test_there_are_ten_examples_and_more() -> None:
    assert len(EXAMPLES) == SECTION.count("```python") >= 10


@pytest.mark.slow
@pytest.mark.parametrize("code", [code for _, code in EXAMPLES], ids=[title.strip(".,") for title, _ in EXAMPLES])
def test_an_example_of_own_data_and_models_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in NEEDED:
        if re.search(rf"^(import|from) {package}\b", code, re.MULTILINE):
            _skip_without(package)
    monkeypatch.chdir(tmp_path)
    found: dict[str, object] = {"__name__": "__main__"}
    exec(compile(code, "README.md", "exec"), found)
    study = found.get("study")
    assert study is None or not study.failures
    assert study is not None or found["run"].scores["student"].last == found["run"].scores["student"].last


def _skip_without(package: str) -> None:
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    try:
        __import__(package)
    except Exception as error:  # a torchvision built for another device than torch
        pytest.skip(f"{package} cannot be imported here: {error}")


NAMES = README.partition("## The public names\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("name", workbench.__all__)
def test_a_public_name_has_one_line_that_says_what_it_is(name: str) -> None:
    lines = re.findall(rf"^>>> .*\bwb\.{name}\b.*$", NAMES, re.MULTILINE)
    assert any("  # " in line for line in lines)


@pytest.mark.slow
def test_the_lines_about_the_public_names_are_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = NAMES.partition("```pycon\n")[2].partition("```")[0]
    test = doctest.DocTestParser().get_doctest(code, {}, "README.md", "README.md", 0)
    assert len(test.examples) > len(workbench.__all__)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test).failed == 0
