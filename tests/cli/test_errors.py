"""Which exceptions are the user's to mend, and which are ours."""

from __future__ import annotations

import pytest
from joblib import Parallel, delayed

from workbench.cli import errors
from workbench.methods import catalog
from workbench.records.annotations import Range


def _caught(act, *arguments: object) -> Exception:
    with pytest.raises(Exception) as found:  # noqa: PT011 - whatever it is, it is looked at below
        act(*arguments)
    return found.value


def test_what_our_code_raises_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    error = _caught(Range(0, 1, 1).check, "share", 2)
    assert errors._explain(error, quiet=False) == errors.BAD_INPUT
    assert capsys.readouterr().err == "workbench: share = 2 is outside [0, 1]\n"


def test_a_message_of_several_lines_becomes_one(capsys: pytest.CaptureFixture[str]) -> None:
    errors.say("first\n   second")
    assert capsys.readouterr().err == "workbench: first second\n"


def test_a_key_error_is_said_without_quotes() -> None:
    assert errors.sentence(_caught(catalog.find, "kdd")).startswith("no method 'kdd'; nearest: ")


def test_what_another_library_raises_keeps_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    error = _caught(int, "many")
    assert errors._explain(error, quiet=False) == errors.UNEXPECTED
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert shown.splitlines()[-1].startswith("workbench: unexpected ValueError")


def test_with_json_it_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert errors._explain(_caught({}.pop, "key"), quiet=True) == errors.UNEXPECTED
    assert capsys.readouterr().err == "workbench: unexpected KeyError: 'key'; WORKBENCH_DEBUG=1 shows where\n"


def test_a_slip_in_our_own_code_is_unexpected() -> None:
    assert not errors._expected(_caught(catalog.make, None))  # an AttributeError in a line of ours without `raise`


@pytest.mark.slow
def test_it_is_told_apart_across_processes_too() -> None:
    work = Parallel(n_jobs=2)
    error = _caught(work, [delayed(Range(0, 1, 1).check)("share", k) for k in (1, 2)])
    assert errors._expected(error)
    assert not errors._expected(_caught(work, [delayed(int)(text) for text in ("1", "many")]))


def test_the_system_is_quoted(tmp_path) -> None:
    assert errors._expected(_caught((tmp_path / "nowhere").read_text))
