"""Reading and writing of rows, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, select, update
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

from workbench.engine.store.errors import StoreError
from workbench.engine.store.tables import SCHEMA, meta, metadata

PATIENCE = 60
"""Seconds to wait for another process that is writing."""

ATTEMPTS = 5


class Database:
    """One engine and short transactions, each with a connection of its own; may be used from several threads.

    Args:
        url: ``sqlite:////path/file`` or ``postgresql+psycopg://user:password@host/name``.

    Raises:
        StoreError: it cannot be opened, or was made by another version of the workbench.
    """

    def __init__(self, url: str) -> None:
        """Connects, and makes the tables where there are none."""
        self.engine = _engine(url)
        self.shown = self.engine.url.render_as_string(hide_password=True)
        with self._explained("open"):
            self._prepare()

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
        try:
            yield
        except SQLAlchemyError as error:
            cause = str(error.orig if isinstance(error, DBAPIError) else error).strip()
            raise StoreError(f"could not {verb} the store {self.shown}: {cause}") from error

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
        if found != SCHEMA:
            raise StoreError(
                f"the store {self.shown} has layout {found}, this workbench knows layout {SCHEMA}; "
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


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        sqlite = parsed.get_backend_name() == "sqlite"
        engine = create_engine(parsed, connect_args={"timeout": PATIENCE} if sqlite else {}, poolclass=NullPool)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(
            f"no store at {url!r}: {error}; WORKBENCH_DB looks like postgresql+psycopg://user:password@host/name "
            "(and needs psycopg), or is not set"
        ) from error
    if sqlite:
        event.listen(engine, "connect", _careful)
    return engine


def _careful(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
