"""What holds for every test: one thread, fixed seeds, a home of its own, and honest skips."""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

# Read once, when numpy and torch load, and inherited by child processes. Two workers with two threads each would
# fight for the cores, and bit-identical reruns are promised at a fixed thread count.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

# The same examples on every run, no deadline on a loaded machine, nothing kept between runs.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("repeatable")

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NUMBERS = count()
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(autouse=True, scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where fixtures wider than one test keep their runs, so that nothing reaches the user's own store."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("workbench-home")
        patch.setenv("WORKBENCH_HOME", str(home))
        patch.delenv("WORKBENCH_DB", raising=False)
        yield home


@pytest.fixture(autouse=True)
def home(shared_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workbench folder for each test, which is made by whoever first writes to it."""
    folder = shared_home / "of_tests" / str(next(NUMBERS))
    monkeypatch.setenv("WORKBENCH_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def fixed_seeds() -> None:
    """The same random numbers in every test, whatever ran before it."""
    random.seed(0)
    if numpy := sys.modules.get("numpy"):  # looked up, not imported: the guards need neither library
        numpy.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.default_generator.manual_seed(0)  # the plain one notes the call stack for absent devices


@pytest.fixture
def real_data() -> Path:
    """The folder with the canonical archives; the test is skipped where there is none."""
    if not (folder := os.environ.get("WORKBENCH_DATA")):
        pytest.skip("WORKBENCH_DATA is not set: it names the folder with the canonical archives")
    return Path(folder)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot run, and say why."""
    if item.get_closest_marker("browser") and not any(map(shutil.which, CHROMIUM)):
        pytest.skip(f"no browser: none of {', '.join(CHROMIUM)} is installed")
    if item.get_closest_marker("cuda"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One running Chromium for all tests that need one; Playwright allows no second in a process."""
    from tests.browser.driver import chromium

    with chromium() as running:
        yield running
