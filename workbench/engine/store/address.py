"""Where a database is, and what of that may be shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from workbench.engine.store.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import URL

HINT = (
    "WORKBENCH_DB looks like postgresql+psycopg://user:password@host/name (and needs psycopg; special characters of "
    "the password are written as %40 and the like), or is not set"
)
SECRET = re.compile("pass|pwd|secret|token", re.IGNORECASE)
PORTS = 1 << 16


class Address:
    """The place of a database; its passwords are in nothing that is printed of it.

    Args:
        given: as in ``WORKBENCH_DB``, or the file of an SQLite database.
    """

    def __init__(self, given: str | Path) -> None:
        """Nothing is looked at yet."""
        self.given = _Hidden(given)

    def __repr__(self) -> str:
        """Without passwords and options."""
        try:
            return self.parts()[0].set(query={}).render_as_string(hide_password=True)
        except StoreError:
            return "a database whose address cannot be read"

    def parts(self) -> tuple[URL, dict[str, Any]]:
        """The address, and the secrets among its options, which are given to the driver apart.

        Raises:
            StoreError: it cannot be read; the message shows nothing of it.
        """
        url = _parsed(self.given.value)
        if url is None:
            raise StoreError(f"the address of the store cannot be read; {HINT}")
        secrets = {key: value for key, value in url.query.items() if SECRET.search(key)}
        url = url.difference_update_query(list(secrets))
        if isinstance(found := secrets.pop("password", None), str):
            url = url.set(password=url.password or found)
        return url, secrets

    def hidden(self, text: str) -> str:
        """A text in which no password of this address stands."""
        url, secrets = self.parts()
        for secret in (url.password, *secrets.values()):
            for written in {secret, quote(secret, safe=""), quote_plus(secret)} if isinstance(secret, str) else ():
                text = text.replace(written, "***") if written else text
        return text


class _Hidden:
    """A value that is not shown, whoever prints the variables of a function that failed."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "***"


def _parsed(given: str | Path) -> URL | None:
    """None where a part may be taken for another one, so that a password could be shown as the name of a host."""
    from sqlalchemy import URL, make_url
    from sqlalchemy.exc import ArgumentError

    if isinstance(given, Path):
        return URL.create("sqlite", database=str(given.absolute()))
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        return None
    if url.get_backend_name() == "sqlite":
        return url
    return url if given.count("@") <= 1 and (url.port or 0) < PORTS else None
