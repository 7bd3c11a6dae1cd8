"""The examples of the README run as they stand."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

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
