"""Every kind of malformed file is refused under its name, and no mutation gets through or breaks anything."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from mmret.leaderboard.submissions import Ground, check

from .malformed import Case, Good, malformed, mutations
from .thrift import BINARY, I32, I64, LIST, STRUCT, Struct


@pytest.fixture(scope="module")
def kinds(good: Path, ground: Ground) -> list[Case]:
    return list(malformed(good, ground))


def test_each_kind_is_refused_by_name(kinds: list[Case], ground: Ground, tmp_path: Path) -> None:
    path, wrong, names = tmp_path / "bad.parquet", [], []
    for case in kinds:
        path.write_bytes(case.content)
        errors = [fault.code for fault in check(path, ground).faults if fault.severity == "error"]
        names.append(case.name)
        if not errors or (case.code and case.code not in errors):
            wrong.append(f"{case.name}: {errors} and not {case.code!r}")
    assert wrong == []
    assert len(set(names)) == len(names) >= 200


def test_mutations_are_refused(good: Path, ground: Ground, tmp_path: Path) -> None:
    path, through = tmp_path / "bad.parquet", []
    for case in islice(mutations(Good(good, ground), seed=3), 500):
        path.write_bytes(case.content)
        report = check(path, ground)
        assert all(fault.message and fault.count >= 1 for fault in report.faults)
        if report.ok:
            through.append(case.name)
    assert through == []


def test_mutations_follow_the_seed(good: Path, ground: Ground) -> None:
    drawn = [list(islice(mutations(Good(good, ground), seed), 20)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_whatever_is_claimed_a_report_comes(good: Path, ground: Ground, tmp_path: Path) -> None:
    """Numbers, texts and lists of the footer, and of the headers of pages, changed or left out at random."""
    parts, path = Good(good, ground), tmp_path / "forged.parquet"
    digest, rng = check(good, ground).run_digest, np.random.default_rng(0)
    for _ in range(400):
        if rng.random() < 0.6:
            content = parts.forged(lambda footer: _change(footer, rng))
        else:
            content = parts.forged_page(lambda header: _change(header, rng), dictionary=rng.random() < 0.5)
        path.write_bytes(content)
        report = check(path, ground)
        assert not report.ok or report.run_digest == digest  # what no reader heeds may change


def _change(fields: Struct, rng: np.random.Generator) -> None:
    """One value anywhere within a struct."""
    places = list(_places(fields))
    inside, number = places[int(rng.integers(len(places)))]
    kind, value = inside[number]
    draw = rng.random()
    if draw < 0.2:
        del inside[number]
    elif kind in (I32, I64):
        near = [value + 1, value - 1, -value, 0, int(rng.integers(40)), 2**31 - 1, -(2**31), value << 20]
        inside[number] = (kind, near[int(rng.integers(len(near)))])
    elif kind == BINARY:
        inside[number] = (kind, rng.bytes(int(rng.integers(20))))
    elif kind == LIST:
        inside[number] = (kind, (value[0], value[1] * 2 if draw < 0.6 else value[1][:-1]))


def _places(fields: Struct) -> Iterator[tuple[Struct, int]]:
    for number, (kind, value) in fields.items():
        yield fields, number
        if kind == STRUCT:
            yield from _places(value)
        elif kind == LIST and value[0] == STRUCT:
            for one in value[1]:
                yield from _places(one)


@pytest.mark.skipif(sys.platform != "linux", reason="peaks of memory are read as Linux tells them")
def test_bombs_take_no_memory(kinds: list[Case], good: Path, ground: Ground, tmp_path: Path) -> None:
    """Files that claim, or unpack to, a lot: looking at them takes hardly more than looking at a good one."""
    ground.save(tmp_path / "ground.parquet")
    for case in kinds:
        if "GB" in case.name or "MB" in case.name or "2^" in case.name:
            (tmp_path / f"{len(list(tmp_path.iterdir()))}.bomb").write_bytes(case.content)
    bombs = sorted(map(str, tmp_path.glob("*.bomb")))
    assert len(bombs) >= 8
    program = (
        "import resource, sys; from pathlib import Path; from mmret.leaderboard.submissions import Ground, check\n"
        "ground = Ground.load(Path(sys.argv[1])); assert check(Path(sys.argv[2]), ground).ok\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert not any(check(Path(path), ground).ok for path in sys.argv[3:])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "ground.parquet"), str(good), *bombs]
    grown = int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert grown < 60_000  # kilobytes
