"""All faults at once, each with its ids and how many there are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmret.benchmarks import Ragged
from mmret.evaluation import Run
from mmret.leaderboard.submissions import Fault, Ground, Report, check, pack
from mmret.leaderboard.submissions.report import visible

from .malformed import Good


def _faults(report: Report) -> dict[str, Fault]:
    assert len({fault.code for fault in report.faults}) == len(report.faults)
    return {fault.code: fault for fault in report.faults}


def _checked(run: Run, facts: dict[str, Any], ground: Ground, folder: Path) -> dict[str, Fault]:
    pack(run, facts, folder / "run.parquet")
    return _faults(check(folder / "run.parquet", ground))


def test_many_faults_in_one_report(good: Path, ground: Ground, tmp_path: Path) -> None:
    parts = Good(good, ground)
    query, document, score = (parts.column(name) for name in ("query", "document", "score"))
    stranger = next(name for name in ground.documents if name > document[-1] and name not in document[-20:])
    document[-1] = stranger  # no candidate, and still in order
    query[0], document[1] = "nobody\x1b[2J", "nothing\n"
    score[2], score[3] = float("nan"), float("-inf")
    parts.about["model"]["link"] = "javascript:alert(1)"
    path = tmp_path / "bad.parquet"
    path.write_bytes(parts.having(query=query[:580] + query[580:], document=document, score=score))
    table = parts.table.slice(0, 0)
    assert len(table) == 0
    found = _faults(check(path, ground))
    assert found["unknown-queries"].where == ["nobody\\x1b[2J"]
    assert found["unknown-documents"].where == ["nothing\\n"]
    assert found["outside-gallery"].where == [f"query-29 {stranger}"]
    assert found["not-finite"].count == 2
    assert [text.split()[-1] for text in found["not-finite"].where] == ["nan", "-inf"]
    assert all(one.severity == "error" for one in found.values() if one.code != "few-candidates")
    assert found["few-candidates"].where == ["query-00"]


def test_first_ten_and_the_number(good: Path, ground: Ground, tmp_path: Path) -> None:
    parts = Good(good, ground)
    (tmp_path / "bad.parquet").write_bytes(parts.write(parts.table.slice(0, 20 * 12)))
    fault = _faults(check(tmp_path / "bad.parquet", ground))["missing-queries"]
    assert fault.where == [f"query-{i}" for i in range(12, 22)]
    assert fault.count == 18
    assert str(fault).endswith("query-21, … (18 in all)")


def test_the_hardest_half_may_not_be_left_out(run: Run, facts: dict[str, Any], ground: Ground, tmp_path: Path) -> None:
    half = Run(run.queries[:15], run.documents, Ragged.of([run.lists[i] for i in range(15)]), run.scores[:300])
    found = _checked(half, facts, ground, tmp_path)
    assert found["missing-queries"].severity == "error"
    assert found["missing-queries"].count == 15


def test_constant_scores_are_warned_of(run: Run, facts: dict[str, Any], ground: Ground, tmp_path: Path) -> None:
    constant = run.scores.copy()
    constant[40:60] = 0.5
    found = _checked(replace(run, scores=constant), facts, ground, tmp_path)
    assert list(found) == ["constant-scores"]
    assert found["constant-scores"].severity == "warning"
    assert found["constant-scores"].where == ["query-02"]


def test_short_lists_are_warned_of(run: Run, facts: dict[str, Any], ground: Ground, tmp_path: Path) -> None:
    kept = [run.lists[i][: 5 if i == 3 else None] for i in range(30)]
    scores = np.concatenate([run.scores[:65], run.scores[80:]])
    found = _checked(replace(run, lists=Ragged.of(kept), scores=scores), facts, ground, tmp_path)
    assert list(found) == ["few-candidates"]
    assert found["few-candidates"].where == ["query-03"]


def test_what_is_not_declared(run: Run, facts: dict[str, Any], ground: Ground, tmp_path: Path) -> None:
    del facts["authors"], facts["saw_benchmark"], facts["model"]["open_weights"]
    found = _checked(run, facts, ground, tmp_path)
    assert found["undeclared"].where == ["model.open_weights", "authors", "saw_benchmark"]
    assert found["undeclared"].severity == "warning"


def test_another_benchmark_and_view(run: Run, facts: dict[str, Any], ground: Ground, tmp_path: Path) -> None:
    facts["benchmark"] |= {"digest": "cd" * 32, "view": "title=none,content=ocr"}
    found = _checked(run, facts, ground, tmp_path)
    assert sorted(found) == ["other-benchmark", "other-view"]
    assert "cdcdcdcdcdcd" in found["other-benchmark"].message


@pytest.mark.parametrize("shared", [True, False])
def test_without_own_galleries(run: Run, facts: dict[str, Any], ground: Ground, tmp_path: Path, shared: bool) -> None:
    """All documents compete, or one list for all queries."""
    galleries = Ragged.of([range(40)]) if shared else None
    found = _checked(run, facts, replace(ground, galleries=galleries), tmp_path)
    outside = int((run.lists.positions >= 40).sum()) if shared else 0
    assert found.get("outside-gallery", Fault("", "error", "", count=0)).count == outside
    assert ("outside-gallery" in found) == shared
    assert found["few-candidates"].count == 30


def test_bounds_of_the_caller(good: Path, ground: Ground) -> None:
    assert list(_faults(check(good, ground, max_bytes=good.stat().st_size - 1))) == ["too-large"]
    assert list(_faults(check(good, ground, max_entries=599))) == ["too-many-entries"]
    assert check(good, ground, max_bytes=good.stat().st_size, max_entries=600).ok


def test_description_and_pages_are_both_told_of(good: Path, ground: Ground, tmp_path: Path) -> None:
    parts = Good(good, ground)
    parts.about["rank"] = 1
    bad = tmp_path / "bad.parquet"
    for content, code in ((parts.write(compression="gzip"), "codec"), (_damaged(parts.write()), "damaged")):
        bad.write_bytes(content)
        assert sorted(_faults(check(bad, ground))) == sorted([code, "description"])


def _damaged(content: bytes) -> bytes:
    """The first page with a bit flipped, which its checksum tells."""
    at = content.index(b"\x28\xb5\x2f\xfd") + 12  # within the first of zstd's frames
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def test_no_file_at_all(ground: Ground, tmp_path: Path) -> None:
    for path in (tmp_path / "none.parquet", tmp_path):
        assert list(_faults(check(path, ground))) == ["unreadable"]


def test_ids_are_matched_whole(good: Path, ground: Ground) -> None:
    """A file in order for one benchmark is out of place on one that lacks its first query and document."""
    found = _faults(check(good, replace(ground, queries=["a", *ground.queries[1:]])))
    assert found["unknown-queries"].count == 20
    assert found["missing-queries"].where == ["a"]
    assert found["unknown-queries"].where == ["query-00"]


def test_ids_that_are_cut_say_so() -> None:
    assert visible("x" * 100) == "x" * 100
    assert visible("x" * 101) == "x" * 99 + "…"
    assert visible("\n" * 60) == ("\\n" * 50)[:99] + "…"


def test_describe_is_plain(good: Path, ground: Ground) -> None:
    report = check(good, ground)
    told = report.describe()
    assert told["ok"] is True
    assert told["description"]["schema"] == "mmret.submission/1"
    assert told["run_digest"] == report.run_digest
