"""The command line called inside this process, and a home in which two small studies were run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from workbench.cli.app import app

MOONS = ("--setting", "two_moons", "--seeds", "3", "--epochs", "2")


@dataclass(frozen=True)
class Answer:
    """What a call of the command line left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document it has to be."""
        return json.loads(self.out)


Call = Callable[..., Answer]


def call(*arguments: str) -> Answer:
    found = CliRunner().invoke(app, [str(a) for a in arguments], prog_name="workbench")
    return Answer(found.exit_code, found.stdout, found.stderr)


@pytest.fixture(name="call")
def _call() -> Call:
    return call


@dataclass(frozen=True)
class Studies:
    """A home with stored runs, and what the verbs printed that made them."""

    home: Path
    distilled: Answer
    compared: Answer


@pytest.fixture(scope="session")
def _studies(tmp_path_factory: pytest.TempPathFactory, shared_home: Path) -> Studies:
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("cli-home")
        patch.setenv("WORKBENCH_HOME", str(home))
        distilled = call("distill", *MOONS, "--method", "kd", "--set", "temperature=2.5", "--json")
        compared = call("compare", *MOONS, "--methods", "kd,label_smoothing", "--quick", "--json")
    return Studies(home, distilled, compared)


@pytest.fixture
def studies(_studies: Studies, home: Path, monkeypatch: pytest.MonkeyPatch) -> Studies:
    """The stored studies, in a home that is now in force."""
    monkeypatch.setenv("WORKBENCH_HOME", str(_studies.home))
    return _studies
