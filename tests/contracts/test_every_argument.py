"""Everything public is called with malformed arguments: each is refused in one clear sentence, and nothing stored suffers.

The names are found by walking ``workbench``, ``workbench.diagnostics`` and the public methods of what these give, so that a
new name is tried without being listed here; what a new parameter needs as a good value is asked for by an assertion.
"""

from __future__ import annotations

import inspect
import random
import re
import signal
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import eye
from torch import nn

import workbench as wb
from tests.diagnostics.test_every_array_function import CALLS
from workbench.engine.library import open_store
from workbench.engine.store import Store
from workbench.models.mlp import MLP
from workbench.records.selection import Selection

ROOT = str(Path(wb.__file__).parent)
X = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
Y = np.arange(40) % 3


class Odd:
    """Nothing that anything here takes; its length and its text cannot be had either."""

    def __len__(self) -> int:
        raise RuntimeError("no length")

    def __repr__(self) -> str:
        raise RuntimeError("no text")


FOREIGN = [
    object(),
    Odd(),
    ...,
    2 + 3j,
    slice(1),
    Exception("x"),
    np.datetime64("2020"),
    torch.zeros(2, dtype=torch.complex64),
]
"""What nothing public takes."""
UNLIKE = {
    "int": [*FOREIGN, "abc", "3", None, 2.5, float("nan"), float("inf"), True, [], {}, len, int, 10**30, np.zeros(3)],
    "float": [*FOREIGN, "abc", "3", None, float("nan"), float("inf"), True, [], {}, len, int, 10**400, np.zeros(3)],
    "bool": [*FOREIGN, "abc", "True", None, 2, 0.5, [], {}, len, int, np.zeros(3), torch.zeros(3)],
    "str": [*FOREIGN, None, 3, 2.5, b"x", [], {}, len, str, np.zeros(3), ["a"]],
    "Run": [*FOREIGN, None, 3, True, "x", b"x", [], {}, (1, 2), len, wb.Run, np.zeros((3, 3)), pd.DataFrame(), nn.Linear(2, 2)],
}  # fmt: skip
UNLIKE["Seed"] = UNLIKE["int"]
UNLIKE["Study"] = UNLIKE["Setting"] = UNLIKE["Run"]
"""What a parameter of an annotation never takes; what is optional takes None."""
MAYBE = [
    None, True, 0, -1, 3, 2.5, float("nan"), -float("inf"), 10**30, "", "kd", "abc", "../../x", "a" * 900, "\0", "kd++", "\u2603",
    b"x", [], (), {}, [1, 2], ["a"], [None], {"a": 1}, {1: 2}, set(), {1}, int, str, len, lambda: None, lambda x: x,
    np.int64(3), np.array(3), np.array([]), np.zeros((3, 3)), np.array(["a", "b"]), np.array([1j]), torch.tensor(3), torch.zeros(0, 4),
    torch.zeros(3, 3, requires_grad=True), torch.full((4, 3), float("nan")), torch.zeros(2, 3).to_sparse(), eye(3),
    pd.DataFrame(), pd.DataFrame({"a": [1]}), pd.Series([1, 2]), range(3), iter([1]), wb.Budget(), ("a", "b"), (X, Y), [X, Y], {"x": X},
    (X, Y[:-1]), (X, None), wb.methods.KD, "digit", Path("x"),
]  # fmt: skip
"""What some take."""

RAW = re.compile(
    r"object has no attribute|not supported between|unsupported operand|has no len|not subscriptable|not iterable|unexpected keyword|"
    r"could not broadcast|cannot be multiplied|setting an array|index out of|expected scalar|must be Tensor|can't convert|"
    r"cannot convert|ambiguous|mat1|invalid literal|Expected |float\(\) argument|int\(\) argument|reshape|dimension out of|"
    r"embedded null|unhashable|division by|Can't call numpy|not a sequence|only integer|too many values|not enough values|0x[0-9a-f]{6}|expected str, bytes"
)
"""Words of Python, NumPy and PyTorch that tell a user nothing."""


class Scene(NamedTuple):
    """Good arguments, and the objects whose methods are called."""

    setting: wb.Setting
    run: wb.Run
    study: Any
    store: Store
    folder: Path
    interaction: Any


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("scene")
    store, budget = Store(folder=folder), wb.Budget(epochs=1, batch_size=16)
    teacher = MLP(4, (8,), 3)
    setting = wb.Setting((X, Y), (X[:20] + 5, Y[:20]), teacher, lambda: MLP(4, (5,), 3), name="tiny", budget=budget)
    study = wb.study(setting, ["kd"], 2, quick=True, store=store)
    return Scene(setting, study.run("kd"), study, store, folder, wb.diagnostics.interaction_of(study))


@pytest.fixture(autouse=True)
def _at_home(scene: Scene, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """In a folder of its own, with the scene's store as the default; a call that does not end is ended."""
    (here := tmp_path / "a" / "b" / "c").mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setenv("WORKBENCH_HOME", str(scene.folder))
    before = signal.signal(signal.SIGALRM, _too_long)
    yield
    signal.signal(signal.SIGALRM, before)


class TooLong(BaseException):
    """It neither answered nor refused."""


def _too_long(*_: object) -> None:
    raise TooLong


class Door(NamedTuple):
    """Something public to call, with its good arguments by name."""

    name: str
    call: Callable[..., Any]
    good: dict[str, Any]

    @property
    def parameters(self) -> list[inspect.Parameter]:
        return [
            p
            for p in inspect.signature(self.call).parameters.values()
            if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        ]


def doors(scene: Scene) -> list[Door]:
    """Everything public that takes arguments."""
    found = {name: getattr(wb, name) for name in wb.__all__}
    found |= {f"diagnostics.{name}": getattr(wb.diagnostics, name) for name in dir(wb.diagnostics)}
    made = [
        scene.run,
        scene.study,
        scene.setting,
        scene.setting.train,
        wb.Budget(),
        scene.store,
        wb.methods.KD(),
        wb.card("kd"),
    ]
    made += [wb.Measure(lambda models, setting, seed: 0.0), scene.study.comparison("kd"), wb.agreement_of(scene.run)]
    for thing in made:
        found |= {
            f"{type(thing).__name__}.{name}": getattr(thing, name)
            for name in sorted(set(dir(type(thing))))
            if _is_ours(thing, name)
        }
    doors = (_door(name, call, scene) for name, call in found.items() if callable(call) and name not in EACH_STEP)
    return [door for door in doors if door and door.parameters]


def _is_ours(thing: Any, name: str) -> bool:
    """Whether a public method was written here, and is not one that the engine calls in every step."""
    found = inspect.getattr_static(type(thing), name)
    function = getattr(found, "__func__", found)
    return not name.startswith("_") and inspect.isfunction(function) and function.__module__.startswith("workbench")


INSIDE = re.compile(
    r"\b(Batch|Books|Components|Confusion|Context|Counts|DivergenceSweep|Curve|Facts|LogitTransform|Objective|Plan|Player|Reproduced|Reviver|Spent|Stack|Trace)\b"
)
"""What only the engine and the diagnostics make; what needs one of these is not called by hand."""
EACH_STEP = (
    "TransferSet.batch",
    "TransferSet.epoch",
    "Setting.in_precision",
    *(
        f"KD.{name}"
        for name in ("added_to", "after_epoch", "deployed", "players", "prepare", "schedule", "transformed", "update")
    ),
)
"""Called in every step or epoch of training, where a check would cost time."""


def _door(name: str, call: Callable[..., Any], scene: Scene) -> Door | None:
    parameters = inspect.signature(call).parameters.values()
    arrays = dict(zip((p.name for p in parameters), CALLS.get(name.removeprefix("diagnostics."), ()), strict=False))
    needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    if any(INSIDE.search(str(p.annotation)) for p in needed):
        return None
    return Door(name, call, {p.name: arrays[p.name] if p.name in arrays else _good(name, p, scene) for p in needed})


def _good(door: str, parameter: inspect.Parameter, scene: Scene) -> Any:
    values = {
        "trials": {"a": float, "b": lambda seed: seed + 1.0}, "control": "a", "methods": ["kd"], "method": "kd", "path": "page.html",
        "folder": "out", "arm": "kd", "train": (X, Y), "test": (X[:20] + 5, Y[:20]), "teacher": MLP(4, (8,), 3),
        "student": lambda: MLP(4, (5,), 3), "factory": lambda: MLP(4, (5,), 3), "function": lambda models, setting, seed: 1.0,
        "model": "student", "feature": 0, "training": [], "images": torch.zeros(4, 1, 8, 8), "selections": [Selection(np.arange(3), "a")],
        "source": scene.study, "id": "x", "seed": 0, "size": 8, "start": 3, "rows": torch.arange(3), "device": "cpu", "name": "temperature",
        "value": 2.0, "logits": torch.zeros(4, 3), "nets": {"a": nn.Identity()}, "loader": scene.store.load, "first": wb.methods.KD(),
        "thing": scene.study, "progress": 0.5, "found": scene.interaction, "budget": wb.Budget(), "weights": np.zeros((3, 2)), "points": ("a", "b", "c"),
        "inputs": torch.tensor(X), "wanted": scene.run.id, "run_id": scene.run.id, "study_id": scene.study.id,
    }  # fmt: skip
    kinds = {"Run": scene.run, "Study": scene.study, "Setting": scene.setting, "Mapping": {"name": "a", "config": {}}}
    first = re.match(r"\w*", str(parameter.annotation))[0]
    if first in kinds and parameter.name != "trials":
        return kinds[first]
    if parameter.name in values:
        return values[parameter.name]
    raise AssertionError(f"{door} needs {parameter}: add a good value of it to this test")


def unclear(error: Exception) -> str:
    """What is wrong with an error, or nothing: it is one sentence of ours, or comes out of a function that was handed in."""
    text, where = str(error), traceback.extract_tb(error.__traceback__)[-1].filename
    if where == __file__ or (isinstance(error, OSError) and error.filename):
        return ""
    ours = isinstance(error, ValueError | TypeError | KeyError | ImportError) or type(error).__module__.startswith(
        "workbench"
    )
    if not ours or not where.startswith(ROOT) or RAW.search(text) or not 15 < len(text) < 2000:
        return f"{type(error).__name__} in {Path(where).name}: {text[:300]}"
    return ""


def trouble(door: Door, name: str, value: Any, *, never: bool) -> str:
    """What is wrong with how a call ends, or nothing; what is allowed may take its time, and is stopped."""
    signal.setitimer(signal.ITIMER_REAL, 20 if never else 1)
    try:
        answer = door.call(**(door.good | {name: value}))
        if inspect.isgenerator(answer):
            next(answer)
    except TooLong:
        return "goes on and on" if never else ""
    except Exception as error:
        return unclear(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "accepted" if never else ""


def tried(scene: Scene, draw: random.Random, often: float) -> list[str]:
    """The faults of a sample of all malformed calls: what is never taken, and one in ten of these times what may be."""
    wrong = []
    for door in doors(scene):
        for parameter in door.parameters:
            if INSIDE.search(str(parameter.annotation)):
                continue
            kind = str(parameter.annotation).removesuffix(" | None")
            never = [value for value in UNLIKE.get(kind, FOREIGN) if not (value is None and _takes_none(parameter))]
            values = [(value, True) for value in never if draw.random() < often]
            values += [(value, False) for value in MAYBE if parameter.name != "jobs" and draw.random() < often / 10]
            for value, must in values:
                if found := trouble(door, parameter.name, value, never=must):
                    wrong.append(f"{door.name}({parameter.name}={type(value).__name__} {_shown(value)}): {found}")
    return wrong


def _takes_none(parameter: inspect.Parameter) -> bool:
    return parameter.default is None or "None" in str(parameter.annotation)


def _shown(value: Any) -> str:
    return "" if isinstance(value, Odd) else " ".join(ascii(value).split())[:60]


def _stored(scene: Scene) -> list[Any]:
    """What the scene put into its store, read back."""
    run, study = (open_store().load(scene.run.id), open_store().load_study(scene.study.id))
    outputs = {party: values.tolist() for party, values in run.predictions.items()}
    weights = {party: {name: w.tolist() for name, w in state.items()} for party, state in run.models.items()}
    return [run.method, run.scores, outputs, weights, study.to_dict()]


def test_a_sample_of_malformed_calls_is_refused_in_a_sentence_and_nothing_stored_is_lost(scene: Scene) -> None:
    before = _stored(scene)
    assert tried(scene, random.Random(8), 0.04) == []
    assert _stored(scene) == before


@pytest.mark.slow
def test_more_malformed_calls_are_refused_in_a_sentence_and_nothing_stored_is_lost(scene: Scene) -> None:
    before = _stored(scene)
    assert tried(scene, random.Random(9), 0.3) == []
    assert _stored(scene) == before
