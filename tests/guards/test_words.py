"""One word, one meaning: names that mean something else here, or nothing, are not used."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "workbench").rglob("*.py"))
EMPTY_FILE_NAMES = {"utils", "util", "misc", "common", "helpers", "helper"}
IDENTIFIERS = {
    "T": "temperature",
    "tau": "temperature",
    "temp": "temperature",
    "feat": "features",
    "feats": "features",
    "f_s": "features",
    "f_t": "features",
    "net_s": "student",
    "net_t": "teacher",
    "model_s": "student",
    "model_t": "teacher",
    "preds": "logits, probabilities or the predicted labels",
    "y_pred": "logits, probabilities or the predicted labels",
    "losses_dict": "terms",
}
WORDS = {
    r"\bdistils?\b": "the verb is `distill`",
    r"\b(TODO|FIXME|XXX)\b": "do it, or file an issue",
    r"Error: (so[;.]|none;)": "name the condition",
    r"\b(as it fell|as they fell|dearest|hears the share)\b": "say it in plain words",
    r"what follows what": "say: event wiring",
    r"[\U0001F300-\U0001FAFF\u2600-\u27BF]": "no emoji",
}


def _identifiers(source: str) -> set[str]:
    tree = ast.parse(source)
    arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return arguments | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _wrong_words(source: str) -> list[str]:
    found = [f"`{name}`: say {IDENTIFIERS[name]}" for name in sorted(_identifiers(source) & set(IDENTIFIERS))]
    return found + [f"{m.group()!r}: {why}" for pattern, why in WORDS.items() for m in re.finditer(pattern, source)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_speaks_the_glossary(path: Path) -> None:
    assert path.stem not in EMPTY_FILE_NAMES, "a file is named after what it holds"
    assert _wrong_words(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f(T): ...",
        "tau = 1",
        "'we distil it'",
        "x = 1  # TODO",
        "'ValueError: so; it is said'",
        "'the dearest method'",
        "'\N{ROCKET}'",
    ],
)
def test_the_guard_sees_a_wrong_word(source: str) -> None:
    assert len(_wrong_words(source)) == 1


def test_the_guard_accepts_the_right_words() -> None:
    assert _wrong_words("def distill(temperature): 'distilled, distilling, distillation'") == []
