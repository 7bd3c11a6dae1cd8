"""Reading and writing of rows, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, select, text, update
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

from workbench.engine.store.address import HINT, Address
from workbench.engine.store.checksum import UNREADABLE, checksum
from workbench.engine.store.errors import StoreError
from workbench.engine.store.tables import SCHEMA, meta, metadata, runs, scores, studies

PATIENCE = 60
"""Seconds to wait for another process that is writing."""

ATTEMPTS = 5

READ_ONLY = "readonly database"

UNWRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN}

LAYOUT = select(meta.c.value).where(meta.c.name == "schema")


class Database:
    """One engine and short transactions, each with a connection of its own; may be used from several threads.

    A store on a full disk or in a folder that cannot be written is still read.

    Args:
        address: where it is.

    Raises:
        StoreError: it cannot be opened, or was made by another version of the workbench.
    """

    def __init__(self, address: Address) -> None:
        """Connects, and makes the tables where there are none."""
        self.address = address
        self.engine = _engine(address)
        with self._explained("open"):
            self._prepare()

    def __repr__(self) -> str:
        """Where it is."""
        return f"Database({self.address})"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self._explained("read"), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes: whole or not at all, and one after another among all processes."""
        with self._explained("write to"), self.engine.begin() as connection:
            connection.execute(update(meta).where(meta.c.name == "schema").values(value=meta.c.value))  # takes the lock
            yield connection

    @contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        """One clear error; the driver's own is left out, since the calls that it shows were given the password."""
        try:
            yield
        except (SQLAlchemyError, UnicodeError) as error:  # the latter where what SQLite says quotes a damaged file
            cause = str(error.orig if isinstance(error, DBAPIError) else error).strip()
            said = self.address.hidden(" ".join(cause.split()))
            if READ_ONLY in said:
                said += "; the disk is full, or the folder may not be written"
            raise StoreError(f"could not {verb} the store {self.address}: {said}") from None

    def _prepare(self) -> None:
        """Two processes may make the same tables at the same moment: the one that comes second looks again."""
        for attempt in range(ATTEMPTS):
            try:
                if not inspect(self.engine).has_table(meta.name):
                    self._create()
                break
            except DBAPIError:
                if attempt == ATTEMPTS - 1:
                    raise
                sleep(0.1)
        with self.engine.connect() as connection:
            found = connection.execute(select(meta.c.value).where(meta.c.name == "schema")).scalar()
        if found == SCHEMA - 1:
            with self.writing() as connection:
                found = upgraded(connection)
        if found != SCHEMA:
            raise StoreError(
                f"the store {self.address} has layout {found}, this workbench knows layout {SCHEMA}; "
                "use the workbench that made it, or another folder (WORKBENCH_HOME) or database (WORKBENCH_DB)"
            )

    def _create(self) -> None:
        sqlite = self.engine.dialect.name == "sqlite"
        if sqlite:
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")  # stays with the file
        with self.engine.begin() as connection:
            if sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver itself would commit table by table
            for table in metadata.sorted_tables:
                connection.execute(CreateTable(table))
                for index in sorted(table.indexes, key=lambda index: str(index.name)):
                    connection.execute(CreateIndex(index))
            connection.execute(meta.insert().values(name="schema", value=SCHEMA))


def _engine(address: Address) -> Engine:
    url, secrets = address.parts()
    options: dict[str, Any] = {"connect_args": secrets, "poolclass": NullPool, "hide_parameters": True}
    if sqlite := url.get_backend_name() == "sqlite":
        options["connect_args"] = {"timeout": PATIENCE}
        if url.database not in (None, "", ":memory:") and not url.query:
            options["creator"] = partial(connected, Path(url.database), PATIENCE)
    try:
        engine = create_engine(url, **options)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(f"no store at {address}: {address.hidden(str(error))}; {HINT}") from None
    if sqlite:
        event.listen(engine, "connect", _careful)
    return engine


def _careful(connection: Any, _record: Any) -> None:
    connection.text_factory = _text
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # a run is on the disk before its checkpoint goes


def _text(content: bytes) -> str:
    """A damaged letter is no reason not to read the rest; the checksum of its row notices it."""
    return content.decode("utf-8", "replace")


def connected(path: Path, patience: float) -> sqlite3.Connection:
    """A connection that reads and writes, or one that only reads where the disk is full or may not be written.

    SQLite makes two files beside the database even to read it; where it cannot, the database is read as it lies there.

    Args:
        path: made if it is not there.
        patience: seconds to wait for another process that is writing.
    """
    connection = sqlite3.connect(path, timeout=patience, check_same_thread=False)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in UNWRITABLE or not path.is_file():
            raise
        connection = _read_only(path)
        connection.execute("PRAGMA query_only = ON")
    return connection


def _read_only(path: Path) -> sqlite3.Connection:
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or not log.stat().st_size:
        return sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True, check_same_thread=False)
    memory = sqlite3.connect(":memory:", check_same_thread=False)
    with TemporaryDirectory() as folder:  # what a killed process wrote last stands in the log
        for file in (path, log):
            shutil.copy(file, folder)
        copy = sqlite3.connect(Path(folder) / path.name)
        copy.backup(memory)
        copy.close()
    return memory


def upgraded(connection: Connection) -> int | None:
    """Inside a writing transaction: give every row its checksum; returns the layout that there is now."""
    if connection.execute(LAYOUT).scalar() == SCHEMA - 1:  # no other process was faster
        for table in (runs, studies):
            connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN checksum VARCHAR(64) NOT NULL DEFAULT ''"))
            for name in connection.execute(select(table.c.id)).scalars().all():
                found = _checksum(connection, table, name)
                connection.execute(update(table).where(table.c.id == name).values(checksum=found))
        connection.execute(update(meta).where(meta.c.name == "schema").values(value=SCHEMA))
    return connection.execute(LAYOUT).scalar()


def _checksum(connection: Connection, table: Table, name: str) -> str:
    """Empty for a row that cannot be read, which is then taken for damaged."""
    try:
        row = connection.execute(select(table).where(table.c.id == name)).mappings().one()
        parties = connection.execute(select(scores).where(scores.c.run == name)).mappings()
        return checksum(row, map(dict, parties) if table is runs else ())
    except UNREADABLE:
        return ""
