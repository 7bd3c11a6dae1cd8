"""One JupyterLab server for all browser tests, a fresh page and kernel for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.driver import Lab, Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running JupyterLab with isolated settings."""
    with Server(tmp_path_factory.mktemp("lab")).running() as running:
        yield running


@pytest.fixture
def lab(browser: Browser, server: Server) -> Iterator[Lab]:
    """A page that, after the test, must have stayed on this machine and free of console errors."""
    page = Lab(browser, server)
    yield page
    page.close()
    assert page.external() == []
    assert page.errors == []
