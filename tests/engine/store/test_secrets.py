"""The password of a database is in nothing that is printed, whatever goes wrong."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import call
from workbench.engine.store import Store, StoreError
from workbench.engine.store.address import Address

SECRET = "hunter2"
ADDRESSES = [
    f"postgresql+psycopg://someone:{SECRET}@127.0.0.1:1/none",
    f"postgresql+psycopg://someone:{SECRET}@127.0.0.1:port/none",
    f"postgresql+psycopg://someone:{SECRET}@127.0.0.1:99999999/none",
    f"postgresql+psycopg://someone:{SECRET}@no.such.host.invalid/none",
    f"postgresql+psycopg://someone:%68unter2{SECRET}@127.0.0.1:1/none",
    f"postgresql+psycopg://someone:a@{SECRET}@127.0.0.1:1/none",
    f"postgresql+psycopg://someone:a/b@c/{SECRET}@127.0.0.1/none",
    f"postgresql+psycopg://someone:{SECRET}?x=@127.0.0.1:1/none",
    f"postgresql+psycopg://127.0.0.1:1/none?user=someone&password={SECRET}",
    f"postgresql+psycopg://127.0.0.1:1/none?sslpassword={SECRET}",
    f"postgresql+psycopg://127.0.0.1:1/none?password={SECRET}&password=again",
    f"postgresql+psycopg://someone:{SECRET}",
    f"postgresql+psycopg://someone:{SECRET}/none",
    f"postgresql+pg8000://someone:{SECRET}@127.0.0.1:1/none",
    f"postgresql+nothing://someone:{SECRET}@127.0.0.1:1/none",
    f"postgresql://someone:{SECRET}@127.0.0.1:1/none",
    f"nothing://someone:{SECRET}@127.0.0.1/none",
    f"mysql+pymysql://someone:{SECRET}@127.0.0.1:1/none",
    f"someone:{SECRET}@127.0.0.1/none",
    f"host=127.0.0.1 user=someone password={SECRET}",
    f"postgresql+psycopg:/someone:{SECRET}@127.0.0.1/none",
    f"postgresql+psycopg://someone:{SECRET}@[::1/none",
    SECRET,
]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_failure_prints_it(address: str, tmp_path: Path) -> None:
    store = Store(address, tmp_path)
    with pytest.raises(StoreError) as caught:
        store.runs()
    printed = [repr(store), str(store.address), *traceback.format_exception(caught.value)]
    printed += [f"{each} {each!r} {each.args}" for each in _chain(caught.value)]
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    printed += [line for line in shown.format() if "address = " not in line and "ADDRESSES" not in line]
    ours = [line for line in printed if "test_secrets.py" not in line]  # the frame of this test holds it, as it must
    assert [line for line in ours if SECRET in line] == []
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["plain", "json"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_the_command_line_does_not_print_it(address: str, options: tuple[str, ...], monkeypatch) -> None:
    monkeypatch.setenv("WORKBENCH_DB", address)
    monkeypatch.setenv("WORKBENCH_DEBUG", "1")
    found = call("runs", *options)
    assert found.status == 2, found.err
    assert SECRET not in found.out + found.err


def test_a_process_of_its_own_does_not_print_it_either() -> None:
    known = os.environ | {"WORKBENCH_DB": ADDRESSES[1], "WORKBENCH_DEBUG": "1"}
    command = [sys.executable, "-m", "workbench.cli", "runs"]
    done = subprocess.run(command, env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_the_password_still_reaches_the_driver(tmp_path: Path) -> None:
    address = Address(f"postgresql+psycopg://someone:p%40ss%2F{SECRET}@127.0.0.1:1/none")
    assert address.parts()[0].password == f"p@ss/{SECRET}"
    assert Address(f"postgresql+psycopg://h/none?password={SECRET}").parts()[0].password == SECRET
    assert Address(f"postgresql+psycopg://h/none?sslpassword={SECRET}").parts()[1] == {"sslpassword": SECRET}
    again = pickle.loads(pickle.dumps(Store(f"postgresql+psycopg://someone:{SECRET}@127.0.0.1:1/none", tmp_path)))
    assert again.address.parts()[0].password == SECRET
    assert repr(again) == f"Store(postgresql+psycopg://someone:***@127.0.0.1:1/none, {str(tmp_path)!r})"


def test_what_a_driver_says_is_printed_without_it() -> None:
    address = Address("postgresql+psycopg://someone:p%40ss%2F@127.0.0.1:1/none")
    assert address.hidden("could not log in with p@ss/ or p%40ss%2F") == "could not log in with *** or ***"
