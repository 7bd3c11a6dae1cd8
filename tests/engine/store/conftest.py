"""The databases that a store is tested on, and a run to put into it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from workbench.engine.store import Store
from workbench.records.budget import Budget
from workbench.records.run import Curve, Run, Scores

SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
USER = "postgres"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server of our own on the loopback."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    if not SERVERS:
        pytest.skip("no PostgreSQL server is installed in /usr/lib/postgresql")
    if os.geteuid() == 0 and not (shutil.which("runuser") and _exists(USER)):
        pytest.skip(f"PostgreSQL refuses to run as root, and there is no user {USER!r} to run it as")
    folder, port = _readable_folder(tmp_path_factory), _free_port()
    data, program = str(folder / "data"), SERVERS[-1]
    _as_user([str(program / "initdb"), "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync"], folder)
    options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off"
    _as_user([str(program / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start"], folder)
    try:
        yield f"postgresql+psycopg://{USER}@127.0.0.1:{port}"
    finally:
        _as_user([str(program / "pg_ctl"), "-D", data, "-m", "immediate", "stop"], folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new and empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'runs.sqlite'}"
    server = request.getfixturevalue("postgres")
    import psycopg

    name = f"store_{abs(hash(str(tmp_path)))}"
    with psycopg.connect(f"{server.replace('+psycopg', '')}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}"


@pytest.fixture
def store(url: str, tmp_path: Path) -> Store:
    """An empty store."""
    return Store(url, tmp_path / "folder")


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """Makes a whole run; keywords replace its fields."""
    return _run


def _run(run_id: str = "digits-kd-s0-0123456789ab", seed: int = 0, **changes: object) -> Run:
    generator = np.random.default_rng(seed)
    weights = torch.from_numpy(generator.normal(size=(3, 2)).astype(np.float32))
    fields = {
        "id": run_id,
        "setting": {"name": "digits", "config": {"student_labels": None}, "data": {"train": "abc"}},
        "method": {"name": "kd", "config": {"temperature": 4.0}},
        "budget": Budget(epochs=3, clip=1.0),
        "seed": seed,
        "scores": {"student": Scores(90.25, 91.5, 89.0, 2), "teacher": Scores(97.0, 97.0, 96.0, 0)},
        "curves": {
            "terms/soft": Curve(np.arange(1, 4), generator.normal(size=3)),
            "validation/student": Curve(np.array([3]), np.array([89.0])),
        },
        "predictions": {"student": generator.normal(size=(5, 4)).astype(np.float32)},
        "test_ids": np.arange(10, 15),
        "test_labels": np.array([0, 1, 2, 3, 0]),
        "models": {"student": {"0.weight": weights.T, "0.steps": torch.tensor(7), "0.half": weights.bfloat16()}},
        "facts": {"agreement": 0.9, "seconds": 1.5, "steps": {"student": 12}, "odd": float("nan")},
        "changes": ({"step": 2, "name": "temperature", "value": 8.0},),
    }
    return Run(**(fields | changes))


def _readable_folder(factory: pytest.TempPathFactory) -> Path:
    """A folder the server's user may enter: pytest's own are closed to everybody else."""
    if os.geteuid() != 0:
        return factory.mktemp("postgres")
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="workbench-postgres-"))
    shutil.chown(folder, USER)
    return folder


def _as_user(command: list[str], folder: Path) -> None:
    prefix = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
    outcome = subprocess.run(
        [*prefix, *command], cwd=folder, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert outcome.returncode == 0, outcome.stderr


def _exists(user: str) -> bool:
    return user in {entry.pw_name for entry in pwd.getpwall()}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
