"""Every edit that can change a number changes the digest; edits that cannot, do not."""

from __future__ import annotations

import copy
import functools
import os
import subprocess
import sys
import threading
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from torch import nn

from tests.records.edits import EDITS, made
from workbench.methods import KD
from workbench.records.code import identity_of, own_code


@pytest.mark.parametrize(("before", "after"), EDITS.values(), ids=EDITS)
def test_an_edit_changes_the_digest(before: str, after: str) -> None:
    first = identity_of(made(before))
    assert first == identity_of(made(before)), "the same source, run again, is the same thing"
    assert first.digest != identity_of(made(after)).digest
    assert own_code([made(before)]) != own_code([made(after)])
    assert first.own
    assert not first.unaddressed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def thing(x): return x", "# what it does\n\n\ndef thing(x):\n    return x  # nothing"),
        ("def thing(x): return x in {'a', 'b', 'c'}", "def thing(x): return x in {'c', 'b', 'a'}"),
        ("w = {'a', 'b', 'c'}\ndef thing(x): return w", "w = {'c', 'a', 'b'}\ndef thing(x): return w"),
        ("def thing(x): return x", "rate = 3\ndef other(x): return rate\ndef thing(x): return x"),
        ("def thing(x: int) -> int: return x", "def thing(x): return x"),
        ("class thing:\n a = 1\n b = 2", "class thing:\n b = 2\n a = 1"),
        ("def thing(x): return x.data", "data = 3\ndef thing(x): return x.data"),
    ],
    ids=["comments", "set in code", "set", "another global", "annotations", "order of members", "a name after a dot"],
)
def test_an_edit_without_effect_does_not(before: str, after: str) -> None:
    assert identity_of(made(before)) == identity_of(made(after))


HELPERS = "noise = {noise}\nunused = 1\ndef scaled(x):\n    return x * {scale}\n"


def _with_helpers(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str, use: str, name: str = "own_helpers") -> str:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(folder)
    sys.modules.pop(name, None)
    return identity_of(made(use.replace("own_helpers", name))).digest


@pytest.mark.parametrize(
    "use",
    [
        "import own_helpers\ndef thing(x): return x + own_helpers.noise + own_helpers.scaled(x)",
        "import own_helpers as h\nclass thing:\n def f(self, x): return h.scaled(x) + h.noise",
        "from own_helpers import noise, scaled\ndef thing(x): return scaled(x) + noise",
        "def thing(x):\n    from own_helpers import noise, scaled\n    return scaled(x) + noise",
        "def thing(x):\n    import own_helpers\n    return own_helpers.scaled(x) + own_helpers.noise",
    ],
    ids=["by attribute", "under another name", "imported names", "imported inside", "module imported inside"],
)
def test_a_module_of_ones_own_is_read(monkeypatch, tmp_path, use) -> None:
    def digest(folder: str, **values: object) -> str:
        return _with_helpers(monkeypatch, tmp_path / folder, HELPERS.format(**({"noise": 0, "scale": 1} | values)), use)

    first = digest("a")
    assert digest("b") == first, "where the file stands does not count"
    assert len({first, digest("c", noise=50), digest("d", scale=2)}) == 3


def test_a_file_that_is_renamed_is_the_same_code(monkeypatch, tmp_path) -> None:
    use = "from own_helpers import noise, scaled\ndef thing(x): return scaled(x) + noise"
    text = HELPERS.format(noise=0, scale=1)
    names = ("own_helpers", "own_tools")
    assert len({_with_helpers(monkeypatch, tmp_path / name, text, use, name) for name in names}) == 1


def test_what_a_module_holds_beside_what_is_read_does_not_count(monkeypatch, tmp_path) -> None:
    use = "import own_helpers\ndef thing(x): return own_helpers.scaled(x)"
    text = HELPERS.format(noise=0, scale=1)
    first = _with_helpers(monkeypatch, tmp_path / "a", text, use)
    assert first == _with_helpers(monkeypatch, tmp_path / "b", text.replace("unused = 1", "unused = 2"), use)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.scale, self.order = nn.Linear(3, 3), 1.0, [0, 1, 2]
        self.experts, self.offset = [nn.Linear(3, 3)], torch.zeros(3)
        self.register_buffer("kept", torch.zeros(3), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale * self.layer(x)[:, self.order]


def net(change=lambda made: None) -> Net:
    torch.manual_seed(0)
    made = Net()
    change(made)
    return made


def _set(**values):
    return lambda made: made.__dict__.update(values)


CHANGES = {
    "a weight": lambda made: made.layer.weight.data[0].add_(1),
    "a scale": _set(scale=2.0),
    "an order": _set(order=[1, 0, 2]),
    "a net in a list": lambda made: made.experts[0].weight.data.add_(1),
    "a class in a list": lambda made: made.experts.append(nn.ReLU()),
    "a plain tensor": _set(offset=torch.ones(3)),
    "a buffer that is not saved": lambda made: made.kept.add_(1),
    "the forward of one object": lambda made: setattr(made, "forward", lambda x: x),
    "a hook": lambda made: made.register_forward_hook(lambda *given: None),
    "a hook before": lambda made: made.layer.register_forward_pre_hook(lambda *given: None),
    "a parametrization": lambda made: nn.utils.parametrizations.weight_norm(made.layer),
    "frozen": lambda made: made.layer.requires_grad_(False),
    "one tensor for two": lambda made: made.experts.__setitem__(0, made.layer),
    "another activation": lambda made: setattr(made, "act", nn.GELU()),
    "a dropout": lambda made: setattr(made, "act", nn.Dropout(0.95)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_state_of_a_net_counts(change) -> None:
    assert identity_of(net()) == identity_of(net())
    assert identity_of(net()).digest != identity_of(net(change)).digest
    assert not identity_of(net(change)).unaddressed


def test_two_nets_that_are_one_are_not_two_equal_ones() -> None:
    layer, twin = nn.Linear(3, 3), nn.Linear(3, 3)
    twin.load_state_dict(layer.state_dict())
    assert identity_of(nn.Sequential(layer, layer)).digest != identity_of(nn.Sequential(layer, twin)).digest


def test_how_often_hooks_were_made_before_does_not_count() -> None:
    def hooked() -> nn.Module:
        made = net()
        made.register_forward_hook(functools.partial(print, end=""))
        return made

    assert identity_of(hooked()) == identity_of(hooked())


def test_modes_and_devices_are_the_engines_own() -> None:
    assert identity_of(net().eval()) == identity_of(net().train())


@pytest.mark.parametrize(
    "made",
    [
        lambda n: LogisticRegression(max_iter=n),
        lambda n: RandomForestClassifier(n, random_state=0),
        lambda n: SVC(max_iter=n),
        lambda n: KNeighborsClassifier(n, algorithm="kd_tree"),
    ],
    ids=["logistic", "forest", "svc", "neighbours"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_parameters_and_fitted_state_of_an_estimator_count(made) -> None:
    inputs = np.random.default_rng(0).normal(size=(40, 3))
    labels = (inputs[:, 0] > 0).astype(int)
    plain, fitted = made(3), made(3).fit(inputs, labels)
    found = [identity_of(e) for e in (plain, made(4), fitted, made(3).fit(inputs + 1, 1 - labels))]
    assert len({digest for digest, _, _ in found}) == 4
    assert identity_of(made(3).fit(inputs, labels)) == identity_of(fitted)
    assert not any(unaddressed for _, _, unaddressed in found)


@pytest.mark.parametrize(
    "kind",
    ["strided", "sparse", "empty", "scalar", "bfloat16", "complex", "bool", "transposed"],
)
def test_tensors_are_told_apart_by_content(kind) -> None:
    base = torch.arange(6.0).reshape(2, 3)
    first, second = (
        {
            "strided": base + k,
            "sparse": (base + k).to_sparse(),
            "empty": torch.empty(0, 3 + k),
            "scalar": torch.tensor(1.0 + k),
            "bfloat16": (base + k).bfloat16(),
            "complex": torch.complex(base + k, base),
            "bool": base > 2 + k,
            "transposed": (base + k).T,
        }[kind]
        for k in (0, 1)
    )
    assert identity_of(first) == identity_of(first.clone())
    assert identity_of(first).digest != identity_of(second).digest


def test_shape_type_and_content_of_arrays_count() -> None:
    base = np.arange(6)
    others = [base.reshape(2, 3), base.astype(np.int32), base + 1, base.astype(object), base.tolist()]
    assert len({identity_of(a).digest for a in (base, *others)}) == 6
    padded = np.zeros(2, np.dtype([("a", np.int8), ("b", np.float64)], align=True))
    filled = np.frombuffer(b"\xff" * padded.nbytes, padded.dtype).copy()
    filled["a"], filled["b"] = 0, 0
    assert identity_of(padded) == identity_of(filled), "bytes between the fields are nobody's"


def _open_file(folder: Path) -> object:
    return (folder / "open").open("w")


UNREADABLE = {
    "an open file": _open_file,
    "a generator": lambda folder: (n for n in range(3)),
    "a lock": lambda folder: threading.Lock(),
    "an object with a lock": lambda folder: types.SimpleNamespace(lock=threading.Lock()),
    "a compiled function": lambda folder: np.frompyfunc(abs, 1, 1),
}


@pytest.mark.parametrize(
    "source",
    [
        "def thing(x): return x * eval('rate')",
        "def thing(x): return x * globals()['rate']",
        "import os\ndef thing(x): return x * float(os.environ['RATE'])",
        "import os\ndef thing(x): return [x * float(os.getenv('RATE')) for _ in x]",
    ],
    ids=["eval", "globals", "environment", "getenv"],
)
def test_code_that_can_read_anything_is_named_and_never_the_same(source) -> None:
    found = identity_of(made(source))
    assert found.unaddressed
    assert found.digest != identity_of(made(source)).digest


REPLACED = {
    "a method of a layer": (nn.Linear, "forward", nn.Linear),
    "a method of a base": (nn.Module, "extra_repr", nn.Linear),
    "a method of the workbench": (KD, "forward", KD()),
    "a method below one's own class": (nn.Linear, "forward", type("Own", (nn.Linear,), {"__module__": "__main__"})),
    "a function": (nn.functional, "relu", made("from torch import nn\ndef thing(x): return nn.functional.relu(x)")),
    "a class": (nn, "ReLU", made("from torch import nn\ndef thing(): return nn.ReLU()")),
}


@pytest.mark.parametrize(("where", "name", "thing"), REPLACED.values(), ids=REPLACED)
def test_what_replaces_a_part_of_a_release_counts(monkeypatch, where, name, thing) -> None:
    before = identity_of(thing)
    found = [before.digest]
    for source in ("def thing(*given): return given[0]", "def thing(*given): return -given[0]"):
        monkeypatch.setattr(where, name, made(source))
        found.append(identity_of(thing).digest)
        assert not identity_of(thing).unaddressed
    assert len(set(found)) == 3
    monkeypatch.undo()
    assert identity_of(thing) == before


def test_what_python_notes_in_a_class_when_its_objects_are_copied_does_not_count() -> None:
    named = made("import collections\nthing = collections.namedtuple('thing', 'rate')")
    weighted = nn.utils.parametrizations.weight_norm(net().layer)
    before = identity_of(named), identity_of(weighted)
    copy.deepcopy((named(1.0), weighted))
    assert (identity_of(named), identity_of(weighted)) == before


@pytest.mark.parametrize("tree", ["kd_tree", "ball_tree"])
def test_what_a_search_tree_counts_while_it_is_asked_does_not_count(tree) -> None:
    inputs = np.random.default_rng(0).normal(size=(40, 3))
    model = KNeighborsClassifier(3, algorithm=tree).fit(inputs, inputs[:, 0] > 0)
    before = identity_of(model)
    model.predict(inputs)
    assert identity_of(model) == before
    assert identity_of(model.fit(inputs, inputs[:, 1] > 0)).digest != before.digest


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_cannot_be_read_is_named_and_never_the_same(kind, tmp_path) -> None:
    handle = UNREADABLE[kind](tmp_path)

    def augment(x, generator):
        return x, handle

    found = identity_of(augment)
    (words,) = found.unaddressed
    assert words.startswith("augment.handle")
    assert found.digest != identity_of(augment).digest
    if close := getattr(handle, "close", None):
        close()


def test_a_logger_has_no_effect_on_numbers() -> None:
    source = "import logging\nlog = logging.getLogger('mine')\ndef thing(x): log.info('hello'); return x"
    assert not identity_of(made(source)).unaddressed


def test_named_parts_of_a_release_have_their_version_instead() -> None:
    assert own_code([nn.Linear, torch.softmax, nn.functional.relu, int, np.ndarray]) == ""
    assert own_code([functools.partial(torch.optim.SGD, momentum=0.9)]) != own_code(
        [functools.partial(torch.optim.SGD, momentum=0.5)]
    )


def test_cycles_end() -> None:
    ring: list = [1]
    ring.append(ring)
    other: list = [2]
    other.append(other)
    assert identity_of(ring).digest != identity_of(other).digest


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.records.edits import EDITS, made
from tests.records.test_code import CHANGES, net
from workbench.methods import KD
from workbench.records.code import identity_of
print([identity_of(made(source)).digest for source, _ in EDITS.values()], [identity_of(net(c)).digest for c in CHANGES.values()])
"""


@pytest.mark.slow
def test_every_process_finds_the_same() -> None:
    root = str(Path(__file__).parents[2])
    found = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", SCRIPT, root]
        found.append(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert found[0] == found[1]
    assert "[]" not in found[0]
