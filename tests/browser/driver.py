"""JupyterLab in a real Chromium, driven through Lab's own commands: a server, settings and kernels of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Locator, sync_playwright

REPOSITORY = Path(__file__).parents[2]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
SETTINGS: dict[str, dict[str, Any]] = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "notebook-extension/tracker": {"windowingMode": "none"},  # cells out of sight stay in the page
}
FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
    "WORKBENCH_HOME": "workbench-home",
}
READY = """() => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  const kernel = panel?.sessionContext?.session?.kernel;
  return Boolean(panel?.content?.widgets?.length && kernel?.connectionStatus === 'connected' && kernel.status === 'idle');
}"""
CELL = "window.jupyterapp.shell.currentWidget.content.widgets[index]"
# Exact console texts that say nothing about the workbench, with the reason for each.
BENIGN: dict[str, str] = {}


class Server:
    """A JupyterLab server on a free port of the loopback, with nothing of the user's own configuration.

    Attributes:
        root: the folder Lab shows; notebooks are written into it.
        log: everything the server printed.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "notebooks"
        self.log = folder / "server.log"
        self.token = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{probe.getsockname()[1]}"
        self._private = folder / "jupyter"
        self.root.mkdir(parents=True)
        for name, values in SETTINGS.items():
            file = self._private / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))

    @contextmanager
    def running(self, seconds: float = 90) -> Iterator[Server]:
        """Start it, wait until it answers, and end it with all its kernels."""
        with self.log.open("w") as log:
            process = subprocess.Popen(
                self._command(), cwd=self.root, stdout=log, stderr=subprocess.STDOUT, env=self._environment()
            )
            try:
                self._wait(process, time.monotonic() + seconds)
                yield self
            finally:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def notebook(self, cells: Sequence[str], name: str = "test.ipynb") -> str:
        """Write a notebook with these code cells; returns its name, as ``Lab.open`` takes it."""
        import nbformat  # slow to load, and every process that collects tests reads this file

        book = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell, id=f"c{i}") for i, cell in enumerate(cells)]
        )
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(book, self.root / name)
        return name

    def end_kernels(self) -> None:
        """Shut every session down, so that the next test has the memory for itself."""
        for session in json.loads(self.ask("api/sessions")):
            self.ask(f"api/sessions/{session['id']}", method="DELETE")

    def ask(self, path: str, method: str = "GET") -> bytes:
        """One request to the server's own interface."""
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.address}/{path}", headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=15) as answer:
            return answer.read()

    def _command(self) -> list[str]:
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": self.address.rpartition(":")[2],
            "ServerApp.port_retries": 0,
            "ServerApp.root_dir": self.root,
            "IdentityProvider.token": self.token,
            "LabApp.expose_app_in_browser": True,
        }
        given = [f"--{name}={value}" for name, value in options.items()]
        return [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *given]

    def _environment(self) -> dict[str, str]:
        private = {name: str(self._private / folder) for name, folder in FOLDERS.items()}
        return {**os.environ, **private, "PYTHONPATH": str(REPOSITORY)}

    def _wait(self, process: subprocess.Popen, deadline: float) -> None:
        while True:
            try:
                self.ask("api/status")
            except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text()[-3000:]}") from error
                time.sleep(0.2)
            else:
                return


class Lab:
    """One browser page on a server.

    Attributes:
        page: Playwright's page, for everything this class has no word for.
        requests: the address of every request the page made.
        errors: console errors and uncaught exceptions, known harmless ones left out.
    """

    def __init__(self, browser: Browser, server: Server, width: int = 1280, height: int = 1000) -> None:
        self.server = server
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page = browser.new_page(viewport={"width": width, "height": height})
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        self.page.on("dialog", lambda dialog: dialog.accept())

    def open(self, name: str) -> None:
        """Open a notebook and wait until its kernel is idle."""
        self.page.goto(f"{self.server.address}/lab/tree/{name}?reset&token={self.server.token}")
        self.ready()

    def ready(self) -> None:
        """Wait until the notebook is shown and its kernel idle."""
        self.page.wait_for_function(READY, timeout=90_000)

    def reload(self) -> None:
        """Save, press F5, and wait until the notebook is back with the same kernel."""
        self.command("docmanager:save")
        self.page.reload()
        self.ready()

    def command(self, name: str, **arguments: Any) -> None:
        """Run one of Lab's commands to its end."""
        script = "([name, given]) => window.jupyterapp.commands.execute(name, given).then(() => null)"
        self.page.evaluate(script, [name, arguments])

    def start(self, index: int) -> None:
        """Run a cell without waiting for its end."""
        self.page.evaluate(
            """index => {
                window.jupyterapp.shell.currentWidget.content.activeCellIndex = index;
                window.jupyterapp.commands.execute('notebook:run-cell');
            }""",
            index,
        )

    def run(self, index: int, seconds: float = 90) -> str:
        """Run a cell to its end; returns its text output, and fails if the cell did."""
        self.start(index)
        done = f"index => {CELL}.model.executionState === 'idle' && {CELL}.model.executionCount !== null"
        self.page.wait_for_function(done, arg=index, timeout=1000 * seconds)
        outputs = self.page.evaluate(f"index => {CELL}.model.outputs.toJSON()", index)
        failed = [output for output in outputs if output["output_type"] == "error"]
        assert not failed, f"cell {index} failed: {failed[0]['ename']}: {failed[0]['evalue']}"
        return self.output(index)

    def output(self, index: int) -> str:
        """The text a cell shows now."""
        return self.page.evaluate(f"index => {CELL}.outputArea?.node.innerText ?? ''", index)

    def wait_output(self, index: int, text: str, seconds: float = 30) -> None:
        """Wait until a cell shows this text."""
        script = f"([index, text]) => ({CELL}.outputArea?.node.innerText ?? '').includes(text)"
        self.page.wait_for_function(script, arg=[index, text], timeout=1000 * seconds)

    def cell(self, index: int) -> Locator:
        """The outputs of a cell, scrolled into view."""
        found = self.page.locator(".jp-Notebook .jp-CodeCell").nth(index).locator(".jp-Cell-outputArea")
        found.scroll_into_view_if_needed()
        return found

    def click(self, name: str) -> None:
        """Press the one button with exactly this name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def screenshot(self, name: str) -> None:
        """Keep a picture where ``WORKBENCH_SCREENSHOTS`` names a folder; nothing otherwise."""
        if folder := os.environ.get("WORKBENCH_SCREENSHOTS"):
            self.page.screenshot(path=Path(folder) / f"{name}.png")

    def external(self) -> list[str]:
        """Requests that left the machine."""
        socket_address = self.server.address.replace("http", "ws", 1)
        inside = (self.server.address, socket_address, "data:", "blob:")
        return [address for address in self.requests if not address.startswith(inside)]

    def close(self) -> None:
        """Close the page and end its kernel."""
        self.page.close()
        self.server.end_kernels()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and message.text not in BENIGN:
            self.errors.append(message.text)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The installed Chromium, without a window."""
    program = next(filter(None, map(shutil.which, CHROMIUM)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
