"""The help is quick and names every verb."""

from __future__ import annotations

import subprocess
import sys

import pytest

VERBS = (
    "lab",
    "distill",
    "compare",
    "diagnose",
    "questions",
    "findings",
    "methods",
    "settings",
    "runs",
    "report",
    "bench",
    "new",
)


def test_the_help_lists_every_verb(call) -> None:
    found = call("--help")
    assert found.status == 0
    assert [line.split()[0] for line in found.out.partition("Commands:")[2].strip().splitlines()] == list(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_help_of_its_own(call, verb: str) -> None:
    found = call(verb, "--help")
    assert found.status == 0
    assert f"workbench {verb} [OPTIONS]" in found.out


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "lab"])
def test_every_listing_and_result_verb_offers_json(call, verb: str) -> None:
    assert "--json" in call(verb, "--help").out


def test_the_help_needs_no_heavy_library() -> None:
    script = (
        "import sys; import workbench.cli.app;"
        "print(*set(sys.modules) & {'torch', 'numpy', 'pandas', 'plotly', 'sklearn', 'sqlalchemy', 'jupyterlab'})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_version_is_that_of_the_package(call) -> None:
    from importlib.metadata import version

    assert call("--version").out.strip() == version("kd-workbench")


def test_without_a_verb_the_help_is_shown(call) -> None:
    assert "Commands:" in call().out + call().err
