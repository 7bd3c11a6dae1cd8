"""Every question of the package, found by walking ``diagnostics/``: what its folder lacks is named in one plain failure."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests import examples
from workbench import diagnostics
from workbench.records.result import Result

ROOT, TESTS = Path(diagnostics.__file__).parent, Path(__file__).parents[1] / "diagnostics"
EXAMPLES = {type(each).__name__ for each in examples.results()}


def lacks(question: str, root: Path = ROOT, tests: Path = TESTS) -> list[str]:
    """What a folder of a question must hold and does not."""
    folder = importlib.import_module(f"workbench.diagnostics.{question}")
    found = [*_asking(question, folder), *_answering(question, folder), *_showing(question, root)]
    return (
        found if any((tests / question).glob("test_*.py")) else [*found, f"tests/diagnostics/{question}/ has no test"]
    )


def _asking(question: str, folder: ModuleType) -> Iterator[str]:
    if not (asks := _asks(question, folder)):
        yield f"{question}/__init__.py exports neither {question} nor {question}_of"
    yield from (f"{name} has no docstring" for name in asks if not inspect.getdoc(vars(folder)[name]))
    if not (inspect.getdoc(folder) or "").endswith(("?", ".")):
        yield f"{question}/__init__.py has no docstring that asks the question"


def _answering(question: str, folder: ModuleType) -> Iterator[str]:
    results = [each for each in vars(folder).values() if isinstance(each, type) and issubclass(each, Result)]
    if not results and not _answers_elsewhere(folder, _asks(question, folder)):
        yield f"{question}/__init__.py exports no Result"
    yield from (f"{each.__name__} has no explain()" for each in results if each.explain is Result.explain)
    for name in {each.__name__ for each in results} - EXAMPLES:
        yield f"tests/diagnostics/{question}/examples.py has no example of {name}"


def _showing(question: str, root: Path) -> Iterator[str]:
    for part in ("figure", "panel"):
        if (root / question / f"{part}.py").exists():
            module = importlib.import_module(f"workbench.diagnostics.{question}.{part}")
            if not inspect.getdoc(getattr(module, part, None)):
                yield f"{question}/{part}.py has no function {part} with a docstring"


def _asks(question: str, folder: ModuleType) -> list[str]:
    return [name for name in (question, f"{question}_of") if inspect.isfunction(vars(folder).get(name))]


def _answers_elsewhere(folder: ModuleType, asks: list[str]) -> bool:
    """Whether it answers with a table or with the result of another question."""
    return all(inspect.signature(vars(folder)[name]).return_annotation != "None" for name in asks)


@pytest.mark.parametrize("question", diagnostics.questions())
def test_a_question_lacks_nothing(question: str) -> None:
    assert lacks(question) == []


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "empty_question"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "measure.py").write_text("")
    (folder / "figure.py").write_text("def draw(): ...")
    monkeypatch.setattr(diagnostics, "__path__", [*diagnostics.__path__, str(tmp_path)])
    found = "; ".join(lacks("empty_question", tmp_path, tmp_path))
    for words in ("exports neither", "no docstring that asks", "figure.py has no function figure", "has no test"):
        assert words in found
