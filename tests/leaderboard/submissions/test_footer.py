"""The footer as it is read here is the one that Parquet's own reader sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmret.leaderboard.submissions.footer import Footer, read_pages
from mmret.leaderboard.submissions.thrift import read_struct

from .thrift import BINARY, DOUBLE, I32, I64, LIST, STRUCT, TRUE, write_struct


def _footer(path: Path) -> bytes:
    content = path.read_bytes()
    return content[-8 - int.from_bytes(content[-8:-4], "little") : -8]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_it_is_what_pyarrow_reads(tmp_path: Path, version: str) -> None:
    path = tmp_path / "file.parquet"
    rng = np.random.default_rng(0)
    table = pa.table({"a": rng.integers(9, size=5000).astype(str), "b": rng.random(5000, np.float32)})
    pq.write_table(table, path, row_group_size=1700, data_page_size=2000, data_page_version=version)
    footer, expected = Footer.read(_footer(path)), pq.read_metadata(path)
    assert footer.rows == expected.num_rows
    assert [column.name for column in footer.columns] == ["a", "b"]
    assert len(footer.groups) == expected.num_row_groups == 3
    with path.open("rb") as file:
        for i, group in enumerate(footer.groups):
            assert group.rows == expected.row_group(i).num_rows
            for j, chunk in enumerate(group.chunks):
                known = expected.row_group(i).column(j)
                assert (chunk.values, chunk.unpacked) == (known.num_values, known.total_uncompressed_size)
                assert chunk.end - chunk.start == known.total_compressed_size
                pages = list(read_pages(file, chunk.start, chunk.end))
                assert sum(page.values for page in pages if not page.is_dictionary) == known.num_values
                assert pages[0].is_dictionary == known.has_dictionary_page
                assert 0 < known.total_uncompressed_size - sum(page.unpacked for page in pages) < 100 * len(pages)


def test_structs_of_all_kinds() -> None:
    fields = {
        1: (I32, -5),
        2: (I64, 2**63 - 1),
        3: (BINARY, b"abc"),
        40: (LIST, (I32, list(range(-20, 20)))),
        41: (STRUCT, {1: (TRUE, True), 2: (DOUBLE, 0.5)}),
        42: (LIST, (BINARY, [b"", b"x"])),
    }
    written = write_struct(fields)
    read = {1: -5, 2: 2**63 - 1, 3: b"abc", 40: list(range(-20, 20)), 41: {1: True, 2: None}, 42: [b"", b"x"]}
    assert read_struct(written + b"more") == (read, len(written))


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_noise_raises_value_error_alone(data: bytes) -> None:
    try:
        Footer.read(data)
    except ValueError:
        return


def test_nesting_is_bounded() -> None:
    with pytest.raises(ValueError, match="without end"):
        read_struct(b"\x1c" * 5000)


def test_lists_are_bounded() -> None:
    with pytest.raises(ValueError, match="longer than its file"):
        read_struct(b"\x19\xf5\xff\xff\xff\xff\x0f")
