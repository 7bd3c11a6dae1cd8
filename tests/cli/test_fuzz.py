"""Whatever is typed, bad input is exit status 2 and one line on standard error; never a traceback, never half a document."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
import typer

from tests.cli.conftest import Answer, call
from workbench.cli.app import app

ODD = ["", " ", "nan", "inf", "-inf", "1e400", "1e308", "-1", "0", "2.5", "1" + "0" * 30, "9" * 5000, "true", "None",
       "\u00e9\u4e16\U0001f600", "a\x01b", "a\0b", "../..", "/no/such/file", "/", "x.py", "x.py:Y", "/:Y", "=", "==", "=3", "a=",
       "a=1", "[1]", '{"a": 1}', "'", '"; DROP TABLE runs; --', "%", "?", "x" * 3000, "--json", "-", ",", "+", "kd+", "++"]  # fmt: skip
FIELDS = [
    "epochs",
    "batch_size",
    "optimizer",
    "learning_rate",
    "momentum",
    "weight_decay",
    "schedule",
    "clip",
    "precision",
]
MUST = {"distill": {"--setting": "two_moons", "--method": "kd"}, "compare": {"--setting": "two_moons", "--methods": "kd"},
        "report": {"": "nothing", "--output": "/no/such/folder/page.html"}, "diagnose": {"": "nothing"}}  # fmt: skip
RUNS = {"lab", "bench", "findings"}  # valid values of theirs start a server, or compute for minutes
OK = {0, 2}


def _options(name: str) -> Iterator[str]:
    command = typer.main.get_command(app).commands[name]
    for parameter in command.params:
        if parameter.param_type_name == "option" and not parameter.is_flag and parameter.name != "help":
            yield next(opt for opt in parameter.opts if opt.startswith("--"))


def _calls() -> list[list[str]]:
    """Every command, every option that takes a value, every odd value; and every field of ``--budget``, ``--set``, ``--with``."""
    found = []
    for name in typer.main.get_command(app).commands:
        rest = MUST.get(name, {})
        for option, value in product(_options(name), ODD):
            others = [
                word for key, other in rest.items() if key != option for word in ([key, other] if key else [other])
            ]
            found.append([name, *others, option, value, "--json"])
        if name not in RUNS:
            found += [[name, value] for value in ODD]
    study = ["distill", "-s", "two_moons", "-m", "kd", "--json"]
    found += [[*study, "--budget", f"{field}={value}"] for field, value in product(FIELDS, ODD)]
    found += [[*study, "--set", f"{field}={value}"] for field, value in product(("temperature", "transform"), ODD)]
    found += [[*study, "--with", f"{field}={value}"] for field, value in product(("noise", "student_labels"), ODD)]
    return [words for words in found if not _starts_work(words)]


def _starts_work(words: list[str]) -> bool:
    """Benchmarks and findings with values that are allowed run for minutes, and JupyterLab serves until it is stopped."""
    return (words[0] in RUNS and words[0] != "lab" and not {"--only"} & {*words}) or (
        words[0] == "lab" and "/" in words
    )


@pytest.fixture(autouse=True)
def _nothing_is_trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is accepted stops where the first cell would be run."""

    def refuse(*_: object, **__: object) -> None:
        raise WouldRun("would run")

    monkeypatch.setattr("workbench.engine.study.study.run_cells", refuse)
    monkeypatch.setattr("workbench.cli.lab.jupyter_arguments", refuse)
    monkeypatch.setattr("workbench.benchmarks.suite._run", refuse, raising=False)
    monkeypatch.chdir(tmp_path)


class WouldRun(Exception):
    """Accepted."""


WouldRun.__module__ = "workbench.tests"


def _wrong(words: list[str]) -> str:
    answer: Answer = call(*words)
    shown = [word if len(word) < 60 else word[:57] + "..." for word in words]
    if answer.status not in OK:
        return f"{shown}: status {answer.status}: {answer.err[-300:]}"
    if answer.status == 2 and (answer.err.count("\n") != 1 or answer.out or len(answer.err) > 7000):
        return f"{shown}: {answer.err.count(chr(10))} lines, {len(answer.err)} characters: {answer.err[:200]} | {answer.out[:80]}"
    if answer.status == 0 and "--json" in words[-1:]:
        json.loads(answer.out)
    return ""


def test_a_sample_of_malformed_calls_is_refused_in_one_line() -> None:
    calls = random.Random(8).sample(_calls(), 300)
    assert [wrong for words in calls if (wrong := _wrong(words))] == []


@pytest.mark.slow
def test_every_malformed_call_is_refused_in_one_line() -> None:
    assert [wrong for words in _calls() if (wrong := _wrong(words))] == []
