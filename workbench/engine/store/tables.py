"""The tables of a store; their layout has a version."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

import numpy as np
from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, MetaData, String, Table, Text, TypeDecorator

SCHEMA = 2
"""Goes up with every change of the layout."""


class Plain(TypeDecorator[Any]):
    """Plain values as JSON text, the same in every database (the JSON types of some refuse NaN)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str:
        """To text."""
        return as_text(value)

    def process_result_value(self, value: str | None, dialect: Any) -> Any:
        """From text."""
        return json.loads(value or "null")


def as_text(value: Any) -> str:
    """Plain values, and what stands for them, as JSON.

    Raises:
        TypeError: something else among them.
    """
    return json.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"{value!r} is a {type(value).__name__}; a store keeps numbers, texts, lists and dicts")


metadata = MetaData()

meta = Table(
    "workbench_meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Integer, nullable=False),
)

runs = Table(
    "workbench_runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("created", Float, nullable=False, index=True),
    Column("setting", String, nullable=False, index=True),
    Column("method", String, nullable=False, index=True),
    Column("control", String, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("budget", Plain, nullable=False),
    Column("identity", Plain, nullable=False),
    Column("facts", Plain, nullable=False),
    Column("changes", Plain, nullable=False),
    Column("leaks_test", Boolean, nullable=False),
    Column("artifact", String(64), nullable=False, index=True),
    Column("checksum", String(64), nullable=False, server_default=""),
)

scores = Table(
    "workbench_scores",
    metadata,
    Column("run", ForeignKey(runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("party", String, primary_key=True),
    Column("last", Float),
    Column("selected", Float),
    Column("validation", Float),
    Column("selected_epoch", Integer, nullable=False),
)

studies = Table(
    "workbench_studies",
    metadata,
    Column("id", String, primary_key=True),
    Column("created", Float, nullable=False),
    Column("study", Plain, nullable=False),
    Column("checksum", String(64), nullable=False, server_default=""),
)
