"""What is the user's to mend is one line on standard error, exit status 2, and nothing on standard output."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import MOONS, Answer, Studies

KD = ("distill", *MOONS, "--method", "kd")


def _line(found: Answer) -> str:
    assert (found.status, found.out) == (2, "")
    assert found.err.count("\n") == 1, found.err
    assert found.err.startswith("workbench: ")
    return found.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("distill", "-s", "digitz", "-m", "kd"), ["no setting 'digitz'", "digits"]),
        (("distill", *MOONS, "-m", "kdd"), ["no method 'kdd'", "nearest: kd,"]),
        (("compare", *MOONS, "-m", "kd,fitnet5"), ["no method 'fitnet5'", "fitnets"]),
        (("compare", *MOONS, "-m", "kd,kd"), ["'kd,kd'", "once"]),
        (("compare", *MOONS, "-m", ","), ["','", "kd,dkd"]),
        ((*KD, "--set", "temprature=4"), ["no parameter 'temprature'", "temperature"]),
        ((*KD, "--set", "temperature=400"), ["temperature = 400.0", "[0.5, 20]"]),
        ((*KD, "--set", "temperature=warm"), ["temperature = 'warm'", "float"]),
        ((*KD, "--set", "temperature"), ["'temperature'", "NAME=VALUE"]),
        ((*KD, "--with", "nois=0.1"), ["no parameter 'nois'", "noise"]),
        ((*KD, "--with", "noise=7"), ["noise = 7.0", "[0.05, 0.5]"]),
        ((*KD, "--budget", "epoch=3"), ["no parameter 'epoch'", "epochs"]),
        ((*KD, "--budget", "optimizer=sgdd"), ["'sgdd'", "'adamw'"]),
        ((*KD, "--budget", "learning_rate=-1"), ["learning_rate", "positive"]),
        ((*KD, "--smallest-effect", "-1"), ["smallest_effect", "positive"]),
        ((*KD, "--epochs", "0"), ["epochs = 0", "positive"]),
        ((*KD, "--jobs", "0"), ["--jobs 0", "-1"]),
        (("distill", "-s", "two_moons", "-m", "kd", "-n", "0"), ["seeds = 0", "1 or more"]),
        ((*KD, "--epochs", "many"), ["--epochs", "integer"]),
        ((*KD, "--seed", "3"), ["--seed"]),
        (("distil",), ["distil", "distill"]),
        (("distill", "--setting", "digits"), ["--method"]),
        (("runs", "--method", "kdd"), ["no method 'kdd'", "nearest: kd,"]),
        (("runs", "--setting", "digitz"), ["no setting 'digitz'", "digits"]),
        (("report", "nothing", "-o", "page.html"), ["no run 'nothing'"]),
        (("bench", "--only", "digitz"), ["no benchmark 'digitz'", "digits"]),
        (("lab", "--notebook-dir", "/no/such/folder"), ["/no/such/folder"]),
    ],
    ids=" ".join,
)  # fmt: skip
def test_the_line_says_what_was_wrong_and_what_would_work(call, arguments: tuple[str, ...], words: list[str]) -> None:
    line = _line(call(*arguments))
    assert [word for word in words if word not in line] == []


def test_missing_data_says_where_to_put_it(call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_OFFLINE", "1")
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    line = _line(call("distill", "-s", "fashion", "-m", "kd", "--json"))
    assert "train-images-idx3-ubyte.gz" in line
    assert str(tmp_path) in line


def test_a_loss_that_is_not_finite_names_step_and_term(call) -> None:
    found = call(*KD, "--seeds", "1", "--budget", "learning_rate=1e30", "--json")
    last = found.err.splitlines()[-1]
    assert (found.status, found.out) == (2, "")
    assert "every run failed" in last
    assert "'labels' became nan at step" in last


@pytest.mark.parametrize("damage", ["cut", "removed"])
def test_a_damaged_artifact_is_named_and_the_rest_is_kept(
    call, studies: Studies, home: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(studies.home, home)
    monkeypatch.setenv("WORKBENCH_HOME", str(home))
    run, page = studies.distilled.json["runs"]["kd"]["0"], home / "page.html"
    before = call("runs", "--json").json
    for file in (home / "artifacts").iterdir():
        file.unlink() if damage == "removed" else file.write_bytes(file.read_bytes()[:-100])
    line = _line(call("report", run, "-o", str(page)))
    assert str(home / "artifacts") in line
    assert "missing" in line if damage == "removed" else "damaged" in line
    assert not page.exists()
    assert call("runs", "--json").json == before


def test_a_store_that_is_no_database_is_one_line(call, home: Path) -> None:
    assert call("runs", "--json").json == {"runs": [], "studies": []}
    (database,) = home.glob("*.sqlite")
    database.write_text("this is not a database, and never was one" * 100)
    assert database.name in _line(call("runs", "--json"))


def test_a_damaged_teacher_is_one_line(call, home: Path) -> None:
    quick = ("distill", "-s", "two_moons", "-m", "kd", "-n", "1", "--quick", "--json")
    assert call(*quick, "--epochs", "1").status == 0
    (teacher,) = (path for path in (home / "teachers").iterdir() if not path.name.startswith("outputs"))
    teacher.write_bytes(b"x" * 100)
    assert teacher.name in _line(call(*quick, "--epochs", "2"))


def test_the_traceback_is_shown_on_request(call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_DEBUG", "1")
    found = call("distill", "-s", "digitz", "-m", "kd")
    assert found.status == 2
    assert "Traceback" in found.err
    assert found.err.splitlines()[-1].startswith("workbench: no setting 'digitz'")


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be closed to their owner")
def test_a_page_that_cannot_be_written_is_one_line(call, studies: Studies, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    run = studies.distilled.json["runs"]["kd"]["0"]
    assert "file" in _line(call("report", run, "-o", str(tmp_path / "file" / "page.html")))
