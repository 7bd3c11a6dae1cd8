"""Every result of the package, found by walking it: saved and loaded alike, frozen, and tabled as plain numbers."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, dataclass, fields, is_dataclass
from html import unescape
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import numpy as np
import pytest

import workbench
from tests import examples
from workbench.records.result import Result
from workbench.records.study import Study

FLOORS = ("records", "diagnostics")
SCALARS = (bool, int, float, str, type(None))


def _kinds() -> list[type[Result]]:
    """All subclasses of ``Result`` on the two floors that may define one."""
    for floor in FLOORS:
        package = import_module(f"workbench.{floor}")
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    found, waiting = [], [Result]
    while waiting:
        waiting += (below := waiting.pop().__subclasses__())
        found += [kind for kind in below if kind.__module__.startswith("workbench.")]
    return sorted(set(found), key=lambda kind: kind.__name__)


KINDS = _kinds()
EXAMPLES = {type(each): each for each in examples.results()}


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def result(request: pytest.FixtureRequest) -> Result:
    assert request.param in EXAMPLES, f"add an example of {request.param.__name__} to examples.py"
    return EXAMPLES[request.param]


def test_results_live_on_the_two_floors_only() -> None:
    assert {"Agreement", "SoftLabels", "Study"} <= {kind.__name__ for kind in KINDS}
    root = Path(workbench.__file__).parent
    defining = {path.relative_to(root).parts[0] for path in root.rglob("*.py") if "(Result):" in path.read_text()}
    assert defining <= set(FLOORS)


def test_what_is_saved_is_what_is_loaded(result: Result, tmp_path: Path) -> None:
    loaded = type(result).load(result.save(tmp_path / "result"))
    for f in (f for f in fields(result) if f.compare):  # what does not compare is not saved, such as a loader
        before, after = getattr(result, f.name), getattr(loaded, f.name)
        assert type(after) is type(before), f.name
        assert _same(before, after), f.name


def test_another_file_is_one_clear_error(result: Result, tmp_path: Path) -> None:
    for content in (b"", b"PK\x03\x04 cut off", b"words"):
        (tmp_path / "broken.npz").write_bytes(content)
        with pytest.raises(ValueError, match=f"is not a saved {type(result).__name__}"):
            type(result).load(tmp_path / "broken.npz")
    with pytest.raises(ValueError, match="is not a saved"):
        type(result).load(tmp_path / "missing.npz")


@dataclass(frozen=True)
class Before(Result):
    n: int
    dropped: float = 0.5


@dataclass(frozen=True)
class After(Result):
    n: int
    added: np.ndarray
    table: tuple[str, ...]


@dataclass(frozen=True)
class Wider(Before):
    more: str = "none"


def test_a_file_of_another_version_is_told_by_its_fields(tmp_path: Path) -> None:
    path = Before(3, 0.25).save(tmp_path / "result")
    assert Wider.load(path) == Wider(3, 0.25, "none")
    with pytest.raises(
        ValueError, match="is not a saved After: it lacks added, table and also has dropped: another version"
    ):
        After.load(path)


def test_it_is_frozen(result: Result) -> None:
    assert is_dataclass(result)
    for f in fields(result):
        with pytest.raises(FrozenInstanceError):
            setattr(result, f.name, None)


def test_its_rows_are_plain_numbers(result: Result) -> None:
    rows = result.rows()
    assert rows
    assert {type(value) for row in rows for value in row.values()} <= set(SCALARS)
    assert len(result.to_frame()) == len(rows)


def test_it_says_what_its_fields_are(result: Result) -> None:
    text = type(result).__doc__ or ""
    assert "Attributes:" in text
    assert [f.name for f in fields(result) if f.name not in text and f.init and f.compare] == []


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, np.ndarray):
        return before.dtype == after.dtype and np.array_equal(before, after, equal_nan=before.dtype.kind == "f")
    if isinstance(before, float):
        return before == after or (math.isnan(before) and math.isnan(after))
    if is_dataclass(before):
        return all(_same(getattr(before, f.name), getattr(after, f.name)) for f in fields(before))
    if isinstance(before, dict):
        return list(before) == list(after) and all(_same(value, after[key]) for key, value in before.items())
    if isinstance(before, tuple):
        return len(before) == len(after) and all(map(_same, before, after))
    return bool(before == after)


def test_a_notebook_shows_what_it_says_and_its_warnings(result: Result) -> None:
    shown = result._repr_mimebundle_()
    said = (
        repr(result) if isinstance(result, Study) else "\n".join([result.explain(), *getattr(result, "warnings", ())])
    )
    assert shown["text/plain"] == said
    assert said.split("\n")[0] in unescape(shown["text/html"])


@pytest.mark.parametrize("hostile", examples.hostile(), ids=lambda each: type(each).__name__)
def test_names_are_escaped_in_a_notebook(hostile: Any) -> None:
    if isinstance(hostile, Result):
        assert "<img" not in hostile._repr_mimebundle_()["text/html"]
