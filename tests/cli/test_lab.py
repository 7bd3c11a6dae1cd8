"""JupyterLab is started for this machine only, with its token, and asks the network for nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.cli import lab


def test_the_server_listens_on_loopback_only_and_keeps_its_token(tmp_path: Path) -> None:
    found = lab.jupyter_arguments(tmp_path, None, open_browser=True)
    assert "--ServerApp.ip=127.0.0.1" in found
    assert f"--ServerApp.root_dir={tmp_path}" in found
    assert not [argument for argument in found if "token" in argument or "password" in argument]
    assert not [argument for argument in found if "browser" in argument or "port" in argument]


def test_an_explicit_port_is_taken_or_refused(tmp_path: Path) -> None:
    found = lab.jupyter_arguments(tmp_path, 9999, open_browser=False)
    assert {"--ServerApp.port=9999", "--ServerApp.port_retries=0", "--no-browser"} <= set(found)


@pytest.mark.parametrize(("user", "expected"), [(0, True), (1000, False)])
def test_root_is_allowed_where_the_user_is_root(monkeypatch, tmp_path: Path, user: int, expected: bool) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    assert ("--allow-root" in lab.jupyter_arguments(tmp_path, None, open_browser=True)) is expected


def test_a_checkout_shows_its_notebooks_and_anything_else_the_current_folder(tmp_path: Path, monkeypatch) -> None:
    module = tmp_path / "workbench" / "cli" / "lab.py"
    monkeypatch.chdir(tmp_path.parent)
    assert lab.notebooks(module) == tmp_path.parent
    (tmp_path / "notebooks").mkdir()
    assert lab.notebooks(module) == tmp_path.parent
    (tmp_path / "pyproject.toml").touch()
    assert lab.notebooks(module) == tmp_path / "notebooks"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    for kind in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{kind}_DIR", str(tmp_path / kind.lower()))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["lab", "--no-browser", "--port", str(port), "--notebook-dir", str(tmp_path)]
    further = ["--", "--ServerApp.base_url=/lectures/"]
    command = [sys.executable, "-m", "workbench.cli", *arguments, *further]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield process
    if process.poll() is None:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_the_printed_address_opens_the_lab_and_nothing_does_without_the_token(server, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    address = server.stdout.readline().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/lectures/lab\?token=[0-9a-f]{32,}", address)
    with urllib.request.urlopen(address.replace("/lab?", "/api/contents?"), timeout=30) as answer:
        assert "mine.txt" in [entry["name"] for entry in json.load(answer)["content"]]
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(address.partition("lab?")[0] + "api/contents", timeout=30)
    server.send_signal(signal.SIGTERM)
    out, err = server.communicate(timeout=30)
    assert (server.returncode, out) == (0, "")
    assert ("--allow-root" in err) is (os.geteuid() == 0)
