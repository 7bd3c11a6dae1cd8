"""From the layout before this one, whose rows carried no checksums."""

from __future__ import annotations

from sqlalchemy import Connection, Table, select, text, update

from workbench.engine.store.checksum import UNREADABLE, checksum
from workbench.engine.store.tables import SCHEMA, meta, runs, scores, studies

LAYOUT = select(meta.c.value).where(meta.c.name == "schema")


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
