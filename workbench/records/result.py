"""What a diagnostic or a study returns."""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, dataclass, fields
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from workbench.records.arguments import checked_arguments
from workbench.records.arrays import load_arrays, save_arrays
from workbench.records.interval import Interval

if TYPE_CHECKING:
    import pandas as pd

SCALARS = (bool, int, float, str, np.generic)


@dataclass(frozen=True)
class Result:
    """A frozen answer with its numbers; fields are scalars, intervals, arrays, or plain JSON values in tuples and dicts."""

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        return ""

    def rows(self) -> list[dict[str, Any]]:
        """The numbers, one row per quantity; an interval brings its ``low`` and ``high``."""
        found = {f.name: _row(getattr(self, f.name)) for f in fields(self)}
        return [{"quantity": name, **row} for name, row in found.items() if row]

    def to_frame(self) -> pd.DataFrame:
        """``rows()`` as a table."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows of it: what it says, and below it its warnings."""
        said, *warned = lines = [self.explain(), *getattr(self, "warnings", ())]
        items = "".join(f"<li>{escape(line)}</li>" for line in warned)
        shown = f'<p style="max-width: 60em">{escape(said)}</p>' + (f"<ul>{items}</ul>" if items else "")
        return {"text/plain": "\n".join(lines), "text/html": shown}

    @checked_arguments
    def save(self, path: str | Path) -> Path:
        """Write everything to one ``.npz`` file (arrays, and the rest as JSON); no pickle."""
        path = Path(path).with_suffix(".npz")
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays = {name: v for name, v in values.items() if isinstance(v, np.ndarray)}
        rest = {name: v for name, v in values.items() if name not in arrays}
        save_arrays(path, {"__json__": np.array(json.dumps(rest, default=_plain)), **arrays})
        return path

    @classmethod
    @checked_arguments
    def load(cls, path: str | Path) -> Self:
        """The inverse of ``save``.

        Raises:
            ValueError: the file is not one that ``save`` of this class wrote, or of another version of it.
        """
        try:
            values = load_arrays(Path(path).with_suffix(".npz"))
            rest = json.loads(str(values.pop("__json__")), object_hook=_interval)
            values |= {name: tuple(v) if isinstance(v, list) else v for name, v in rest.items()}
            return cls(**_known(cls, values))
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise ValueError(f"{path} is not a saved {cls.__name__}: {error}") from error


def _known(cls: type[Result], values: dict[str, Any]) -> dict[str, Any]:
    """The values, if they are those of the class as it is now."""
    needed = [f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]
    lacking = [name for name in needed if name not in values]
    unknown = sorted(set(values) - {f.name for f in fields(cls)})
    if lacking or unknown:
        found = [f"{words} {', '.join(names)}" for words, names in (("lacks", lacking), ("also has", unknown)) if names]
        raise ValueError(f"it {' and '.join(found)}: another version or kind of result wrote it; compute it again")
    return values


def _row(value: Any) -> dict[str, Any]:
    if isinstance(value, Interval):
        return {"value": value.mean, "low": value.low, "high": value.high}
    return {"value": _plain(value)} if isinstance(value, SCALARS) else {}


def _plain(value: Any) -> Any:
    if isinstance(value, Interval):
        return {"__interval__": asdict(value)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value


def _interval(found: dict[str, Any]) -> Any:
    return Interval(**found["__interval__"]) if "__interval__" in found else found
