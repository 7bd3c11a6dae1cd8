"""The published tables: what ships is whole and typed, and is what the notes say, cell by cell."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from functools import reduce
from pathlib import Path

import pytest

from workbench.data import reference
from workbench.data.reference import causes, hyper_parameters, references, reproductions, table_of
from workbench.methods.catalog import make
from workbench.records.published import Cell, Sighting, matches

ROOT = Path(__file__).parents[2]
TABLES = [reference.reference(name) for name in references()]
NUMBER = r"\d+\.\d+"


# --- what ships, by itself ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_is_whole(table) -> None:
    assert table.cells
    assert all((table.title, table.unit, table.schedule))
    assert {cell.column for cell in table.cells} == set(table.columns)
    assert {cell.method for cell in table.cells} == set(table.methods)
    assert Counter((c.method, c.column) for c in table.cells).most_common(1)[0][1] == 1
    named = {part for cell in table.cells for part in cell.source.split("; ")}
    named |= {other.by for cell in table.cells for other in cell.also}
    assert named == set(table.sources)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_cell_is_a_percentage_or_says_why_there_is_none(table) -> None:
    for cell in table.cells:
        assert 50 < cell.value < 100 or (math.isnan(cell.value) and cell.note), cell
        assert all(50 < other.value < 100 for other in cell.also)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_key_is_something_the_catalogue_can_make(table) -> None:
    keys = [each for key in table.methods.values() if key for each in key.split("|")]
    assert len(set(keys)) == len(keys)
    for key in keys:
        name, _, rest = key.partition("(")
        made = make(name, dict(part.split("=") for part in rest.rstrip(")").split(",") if part))
        assert matches(key, {"name": made.name, "config": made.config()})


def test_where_a_source_is_a_repository_it_names_path_and_commit() -> None:
    sources = {where for table in TABLES for where in table.sources.values()}
    form = re.compile(r"[\w.-]+/[\w.+-]+, \S+ at [0-9a-f]{40}|.+: .+, \w+ \d{4}, arXiv:\d{4}\.\d{5}")
    assert [where for where in sources if not form.fullmatch(where)] == []


def test_columns_are_found_by_their_name_alone() -> None:
    names = [column for table in TABLES for column in table.columns]
    assert len(set(names)) == len(names)
    assert table_of("F").name == "same_architecture"
    assert str(table_of("M").columns["M"]) == "WRN-40-2 \u2192 ShuffleNetV1, CIFAR-100"
    assert table_of("original").columns["original"].about == "as printed by the authors"


def test_what_is_not_there_is_an_error_that_says_what_is() -> None:
    with pytest.raises(KeyError, match=r"no published column 'Z'; there are .*same_architecture: A, B"):
        table_of("Z")
    with pytest.raises(KeyError, match=r"no reference table 'cifar'; there are .*imagenet"):
        reference.reference("cifar")
    with pytest.raises(KeyError, match=r"no column 'Z'; it has A, B"):
        table_of("F").column("Z")
    with pytest.raises(KeyError, match=r"no 'FSP' in column 'H'; it has Teacher, Student"):
        table_of("H").cell("FSP", "H")
    with pytest.raises(KeyError, match=r"hyper-parameters of 'XYZ'; there are those of all, KD"):
        hyper_parameters("XYZ")


def test_the_first_sighting_is_that_of_the_table_where_it_has_one() -> None:
    for row in reproductions():
        cells = table_of(row.column).column(row.column)
        if row.method in cells:
            assert row.sightings[0].value == cells[row.method].value
            assert table_of(row.column).methods[row.method] == row.key
        assert row.ends[0] < row.ends[1]
    assert len(causes()) == 4


def test_the_ends_of_a_sighting() -> None:
    assert Sighting(70.0).ends == (70.0, 70.0)
    assert Sighting(70.0, spread=0.25).ends == (69.75, 70.25)
    assert Sighting(low=75.9, high=76.5).ends == (75.9, 76.5)


@pytest.mark.parametrize(
    ("key", "name", "config", "same"),
    [
        ("dkd", "dkd", {"beta": 2.0}, True),
        ("dkd", "kd", {}, False),
        (None, "kd", {}, False),
        ("dkd(transform=standardize)", "dkd", {"transform": "standardize"}, True),
        ("dkd(transform=standardize)", "dkd", {}, False),
        ("dkd", "dkd", {"transform": "standardize"}, False),
        ("dkd", "dkd", {"transform": None}, True),
        ("wttm+crd", "wttm+crd", {"wttm.exponent": 0.2}, True),
        ("wttm+crd", "wttm+crd", {"wttm.transform": "standardize"}, False),
        ("simkd(reduction=2)", "simkd", {"reduction": 4}, False),
        ("dot|kd+dot", "kd+dot", {"dot.delta": 0.075}, True),
        ("dot|kd+dot", "dot", {}, True),
        ("dot|kd+dot", "kd", {}, False),
    ],
)
def test_a_key_means_a_method_with_its_parameters(key, name, config, same) -> None:
    assert matches(key, {"name": name, "config": config}) is same


# --- what ships, against the notes it was taken from -------------------------------------------------------------
@pytest.fixture(scope="module")
def notes() -> str:
    """The collection the tables were taken from."""
    for place in (ROOT / "shared", ROOT.parent / "shared"):
        if (path := place / "METHODS.md").exists():
            return path.read_text(encoding="utf-8")
    pytest.skip("the collection of tables is not beside this clone")


def part(notes: str, number: str) -> str:
    return re.split(r"\n###? |\n---", notes.split(f"### {number} ", 1)[1])[0]


def written(cell: Cell) -> str:
    """A cell as the notes write it."""
    return "n/a" if math.isnan(cell.value) else f"{cell.value:.2f}" + ("\u2020" if cell.from_memory else "")


@pytest.mark.parametrize(("number", "name"), [("3.1", "same_architecture"), ("3.2", "different_architecture")])
def test_the_two_large_tables(notes: str, number: str, name: str) -> None:
    rows = [line for line in part(notes, number).splitlines() if line.startswith("|") and "---" not in line]
    head, *body = [[cell.strip().replace("**", "") for cell in row.strip("|").split("|")] for row in rows]
    columns, expected = [c for c in head if re.fullmatch("[A-M]", c)], {}
    for method, *values in body:
        for column, value in zip(columns, values, strict=False):
            several = zip(method.split(" / "), value.split(" / "), strict=True) if " / " in value else [(method, value)]
            expected |= {(each, column): text for each, text in several if text}
    found = {(cell.method, cell.column): written(cell) for cell in reference.reference(name).cells}
    assert found == expected


def test_the_letters_of_the_columns(notes: str) -> None:
    pairs = dict(re.findall(r"\b([A-M])=(\S+?)[,.](?= |\n)", part(notes, "3.1") + part(notes, "3.2")))
    assert len(pairs) == 13
    for letter, pair in pairs.items():
        found = table_of(letter).columns[letter]
        assert _short(f"{found.teacher}->{found.student}") == pair


def _short(pair: str) -> str:
    pair = re.sub(r"ResNet(?=\d)", "R", pair)
    return pair.replace("ShuffleNet", "Shuffle")


def test_the_further_values_of_a_row(notes: str) -> None:
    same = part(notes, "3.1")
    for column, value, spread in re.findall(r"([BCF]) (\d+\.\d+)±(\d+\.\d+)", same):
        assert Sighting(float(value), float(spread), by="DIST README") in table_of(column).cell("DIST", column).also
    assert "mdistiller prints A 76.23" in same
    assert [other.value for other in table_of("A").cell("DKD", "A").also] == [76.23]


def test_the_further_pairs(notes: str) -> None:
    text = part(notes, "3.2").split("Extra LSKD", 1)[1].split(": ", 1)[1]
    table = reference.reference("further_pairs")
    for pair, numbers in re.findall(r"(\S+->\S+) ((?:\d+\.\d+->\d+\.\d+(?:; |\.))+)", text):
        found = [table.cell(m + plus, pair).value for m in ("KD", "DKD", "MLKD") for plus in ("", "+LSKD")]
        assert found == [float(number) for number in re.findall(NUMBER, numbers)]
    doubtful = [cell for cell in table.cells if cell.column == "R32x4->MV2"]
    assert [f"{c.method} {c.value:.2f}" for c in doubtful] == re.findall(
        r"D?KD \d+\.\d+", text.split("mdistiller also")[1]
    )
    assert all("typing error" in cell.note for cell in doubtful)


def listed(text: str) -> dict[str, list[float]]:
    """``KD 74.42/72.73; FitNet 74.32/72.91`` by name; NaN for a dash."""
    text = text.replace("\u2013", "-")
    found = re.findall(r"([A-Z][\w+/ -]*?(?: f=\d| w/ LS)?|f=\d) ((?:\d+\.\d+|-)(?:/(?:\d+\.\d+|-))+)", text)
    return {name: [math.nan if v == "-" else float(v) for v in values.split("/")] for name, values in found}


def row(name: str, method: str, columns: list[str]) -> list[float]:
    table = reference.reference(name)
    return [table.cell(method, column).value for column in columns]


def test_simkd(notes: str) -> None:
    text, columns = part(notes, "3.3"), ["R8x4", "VGG-8", "ShuffleV2x1.5"]
    expected = {f"SimKD {k}" if k.startswith("f=") else k: v for k, v in listed(text).items()}
    student = re.search(r"Student R8x4 (\S+) / VGG-8 (\S+) / ShuffleV2x1.5 (\S+?)\. ", text)
    expected |= {"Student": [float(v) for v in student.groups()], "Teacher": 3 * [79.42]}
    assert {m: row("simkd_protocol", m, columns) for m in reference.reference("simkd_protocol").methods} == expected


def test_what_was_seen_again(notes: str) -> None:
    lines = [line for line in part(notes, "3.4").splitlines() if line.startswith("|") and re.search(NUMBER, line)]
    grouped = [[0], [1], [2], [3], [4], [5], [6, 7], [8, 9], [10]]
    assert len(lines) == len(grouped)
    assert sum(map(len, grouped)) == len(reproductions())
    for line, places in zip(lines, grouped, strict=True):
        seen = [reproductions()[place] for place in places]
        numbers = [
            n for r in seen for s in r.sightings for n in (s.value, s.spread, s.low, s.high) if not math.isnan(n)
        ]
        assert Counter(numbers) == Counter(map(float, re.findall(NUMBER, line))), line
        assert all(r.method in line and re.search(rf"\b{r.column}\b", line) for r in seen)
        assert sum("teachers were retrained" in r.note for r in seen) == len(seen) * ("retrained" in line)


def test_imagenet(notes: str) -> None:
    ours, theirs = part(notes, "3.5").split("TTM README list")
    found = {m: row("imagenet_reproduced", m, ["original", "reproduced"]) for m in listed(ours)}
    _same(found, listed(ours))
    assert set(listed(ours)) | {"Student"} == set(reference.reference("imagenet_reproduced").methods)
    assert f"student {reference.reference('imagenet_reproduced').cell('Student', 'reproduced').value}" in ours
    expected = {"KD+DOT" if name == "DOT" else name: v for name, v in listed(theirs.split(": ", 1)[1]).items()}
    _same({m: row("imagenet", m, ["R34->R18", "R50->MV1"]) for m in reference.reference("imagenet").methods}, expected)


def _same(found: dict[str, list[float]], expected: dict[str, list[float]]) -> None:
    assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)  # NaN beside NaN


def test_smaller_targets(notes: str) -> None:
    first, second = part(notes, "3.6").split("R20->R20: ")
    baseline = {name: [float(v), float(w)] for name, v, w in re.findall(r"(R20|R110) (\d+\.\d+)/(\d+\.\d+)", first)}
    expected = {**listed(first.split(". ", 1)[1]), "Student": baseline["R20"], "Teacher": baseline["R110"]}
    for text, start in ((expected, "R110->R20"), (listed(second), "R20->R20")):
        columns = [f"{start} on CIFAR-{classes}" for classes in (10, 100)]
        rows = reference.reference("smaller_targets").column(columns[0])
        assert {m: row("smaller_targets", m, columns) for m in rows} == text


NOT_NUMBERS = ("MobileNetV2/ShuffleV1/V2", "8x4", "SV1", "SV2", "\u00b10.075")  # names of nets, and a number said twice


def test_hyper_parameters(notes: str) -> None:
    """All numbers of a bullet are there, and no others."""
    bullets = {line.split("**")[1]: line.split("**", 2)[2] for line in part(notes, "3.7").splitlines() if "**" in line}
    entries = hyper_parameters()
    assert {entry.group for entry in entries} == set(bullets)
    for group, text in bullets.items():
        values = [entry.value for entry in entries if entry.group == group]
        every = [number for value in values for number in (value if isinstance(value, tuple) else (value,))]
        found = [abs(float(number)) for number in every if not isinstance(number, str)]
        plain = reduce(lambda kept, name: kept.replace(name, " "), NOT_NUMBERS, text)
        plain = plain.replace("x0.1", "0.1").replace("1x1", "1")
        expected = map(float, re.findall(r"(?<![A-Za-z\d.])\d+(?:\.\d+)?(?:e-\d+)?", plain))
        assert Counter(found) == Counter(expected), group
    memory = {entry.method for entry in entries if entry.evidence == "memory"}
    assert memory == {group for group, text in bullets.items() if "[M]" in text}
