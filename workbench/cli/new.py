"""``workbench new``: the files of a new method, question or paper, ready to be changed."""

from __future__ import annotations

import keyword
import re
import time
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from workbench.cli.options import Json
from workbench.cli.output import emit
from workbench.records.files import write_text

PACKAGE = Path(__file__).parents[1]
STUBS = Path(__file__).parent / "stubs"
FILES = {
    "method": {
        "method": "workbench/methods/{family}/{name}.py",
        "method_test": "tests/methods/{family}/test_{name}.py",
    },
    "question": {
        "question_init": "workbench/diagnostics/{name}/__init__.py",
        "question_measure": "workbench/diagnostics/{name}/measure.py",
        "question_figure": "workbench/diagnostics/{name}/figure.py",
        "question_examples": "tests/diagnostics/{name}/examples.py",
        "question_test": "tests/diagnostics/{name}/test_measure.py",
    },
    "paper": {
        "paper": "workbench/findings/{name}.py",
        "paper_test": "tests/findings/test_{name}.py",
    },
}
"""The files of each kind, by their stub."""
CHECKS = {
    "method": "workbench methods --markdown README.md; pytest tests/methods/{family}/test_{name}.py tests/contracts -k {name}",
    "question": "workbench questions --markdown README.md; pytest tests/diagnostics/{name} tests/contracts -k {name}",
    "paper": "pytest tests/findings/test_{name}.py; workbench findings {name} --seeds 5",
}
"""What to run when a file has been changed."""

Kind = Annotated[str, typer.Argument(metavar="method|question|paper", help="What to begin.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Of its file: small letters, digits and underscores.")]
Family = Annotated[str, typer.Option("--family", "-f", help="Of a method: the folder below workbench/methods.")]


def new(kind: Kind, name: Name, family: Family = "logits", json: Json = False) -> None:
    """Write the files of a new method, question or paper; they run as they are and pass the checks.

    For the source of the workbench itself: in a clone, with its environment. CONTRIBUTING.md says what to change.
    """
    paths = [str(path) for path in written(PACKAGE.parent, kind, name, family)]
    check = CHECKS[kind].format(name=name, family=family)
    if json:
        emit({"files": paths, "check": check})
    else:
        print(*paths, f"\nChange them, then run: {check}", sep="\n")


def written(root: Path, kind: str, name: str, family: str = "logits") -> list[Path]:
    """Write the stubs below a clone; returns their paths in it.

    Raises:
        KeyError: no such kind or family.
        ValueError: the name cannot be that of a module, or a file is there already.
    """
    if kind not in FILES:
        raise KeyError(f"no {kind!r} can be begun; there are {', '.join(FILES)}")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise ValueError(
            f"{name!r} cannot name a file of Python: use small letters, digits and underscores, such as soft_ranks"
        )
    families = sorted(path.parent.name for path in (root / "workbench" / "methods").glob("*/__init__.py"))
    if kind == "method" and family not in families:
        raise KeyError(f"no family {family!r} of methods; there are {', '.join(families)}")
    if not (root / "tests").is_dir():
        raise ValueError(f"{root} is no clone of the workbench: it has no tests folder beside the package")
    words = {"name": name, "family": family, "cls": name.title().replace("_", ""), "year": time.localtime().tm_year}
    paths = {stub: Path(path.format(**words)) for stub, path in FILES[kind].items()}
    if there := [str(path) for path in paths.values() if (root / path).exists()]:
        raise ValueError(f"{there[0]} is there already; choose another name")
    for stub, path in paths.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        text = Template((STUBS / f"{stub}.txt").read_text(encoding="utf-8")).substitute(words)
        write_text(root / path, text)
    return list(paths.values())
