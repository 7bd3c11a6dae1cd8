"""What pages are made of: escaped markup and inline images."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import pytest

from workbench.reports.markup import Markup, facts, table, tag
from workbench.reports.png import data_uri


def test_everything_is_escaped_unless_it_was_made_here() -> None:
    assert tag("p", "<b>", tag("i", "&")) == "<p>&lt;b&gt;<i>&amp;</i></p>"
    assert tag("a", title='"><script>') == '<a title="&quot;&gt;&lt;script&gt;"></a>'
    assert tag("p", Markup("<hr>")) == "<p><hr></p>"
    assert tag("img", alt="x", class_="y") == '<img alt="x" class="y">'


def test_a_table_heads_rows_and_columns() -> None:
    made = table(("", "<a>"), [("row", 1)])
    assert '<th scope="col">&lt;a&gt;</th>' in made
    assert '<th scope="row">row</th><td>1</td>' in made


def test_facts_leave_out_what_is_empty() -> None:
    assert facts({"a": "", "b": None, "c": 0}) == "<dl><dt>c</dt><dd>0</dd></dl>"


def _decoded(uri: str) -> np.ndarray:
    """A PNG without filters, read by hand: chunks of length, kind, content and checksum."""
    content = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    at, found = 8, {}
    while at < len(content):
        (length,), kind = struct.unpack(">I", content[at : at + 4]), content[at + 4 : at + 8]
        body = content[at + 8 : at + 8 + length]
        assert struct.unpack(">I", content[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + body),)
        found[kind], at = body, at + 12 + length
    width, height, depth, color = struct.unpack(">IIBB", found[b"IHDR"][:10])
    rows = np.frombuffer(zlib.decompress(found[b"IDAT"]), np.uint8).reshape(height, -1)
    assert depth == 8
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, {0: 1, 2: 3}[color])


def test_bytes_survive_as_they_are() -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, 4, 7), np.uint8)
    assert np.array_equal(_decoded(data_uri(image)), image.transpose(1, 2, 0))


def test_numbers_in_the_unit_interval_become_bytes() -> None:
    assert _decoded(data_uri([[0.0, 0.5], [1.0, 0.2]]))[..., 0].tolist() == [[0, 128], [255, 51]]


def test_other_numbers_are_stretched() -> None:
    assert _decoded(data_uri([[-1.0, 1.0, 3.0]]))[..., 0].tolist() == [[0, 128, 255]]


@pytest.mark.parametrize("image", [np.zeros(3), np.zeros((2, 4, 4)), np.zeros((0, 4)), np.zeros((1, 1, 1, 1))])
def test_another_shape_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"an image is \(H, W\)"):
        data_uri(image)
