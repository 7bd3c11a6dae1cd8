"""What ``workbench new`` writes passes the checks that a finished method, question or paper must pass."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.cli.new import FILES, written

ROOT = Path(__file__).parents[2]
NAMES = {"method": "trial_method", "question": "trial_question", "paper": "trial_paper"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source with one new thing of each kind, and the tables of the README made anew."""
    root = tmp_path_factory.mktemp("clone")
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("workbench", "tests", "data", "notebooks"):
        shutil.copytree(ROOT / folder, root / folder, ignore=ignored)
    for file in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / file, root / file)
    for kind, name in NAMES.items():
        written(root, kind, name)
    for verb in ("methods", "questions"):
        _python(root, "-m", "workbench.cli", verb, "--markdown", "README.md")
    return root


def _python(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "tests"),
    [
        ("method", ["tests/methods/logits/test_trial_method.py", "tests/contracts", "tests/methods/test_declared.py"]),
        (
            "question",
            ["tests/diagnostics/trial_question", "tests/contracts", "tests/diagnostics/test_every_array_function.py"],
        ),
        ("paper", ["tests/findings/test_trial_paper.py"]),
    ],
)
def test_what_is_written_passes_the_checks(clone: Path, kind: str, tests: list[str]) -> None:
    by_name = [] if kind == "paper" else ["-k", f"{NAMES[kind]} or TrialQuestion or catalog_table"]
    said = _python(clone, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *by_name, *tests)
    assert " passed" in said
    assert "failed" not in said


@pytest.mark.slow
def test_it_needs_no_formatting_and_is_of_the_house_style(clone: Path) -> None:
    files = [path.format(name=NAMES[kind], family="logits") for kind, paths in FILES.items() for path in paths.values()]
    _python(clone, "-m", "ruff", "format", "--check", *files)
    _python(clone, "-m", "ruff", "check", *files)
    _python(clone, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "tests/guards", "-k", "trial_")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("method", "Kd"), "cannot name a file"),
        (("method", "class"), "cannot name a file"),
        (("method", "kd"), "workbench/methods/logits/kd.py is there already"),
        (("method", "other", "--family", "nets"), "no family 'nets'"),
        (("lesson", "first"), "no 'lesson' can be begun; there are method, question, paper"),
    ],
)
def test_what_cannot_be_begun_is_said_and_nothing_is_written(call, arguments: tuple[str, ...], words: str) -> None:
    found = call("new", *arguments)
    assert found.status == 2
    assert words in found.err
