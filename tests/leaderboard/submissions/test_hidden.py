"""The copy without labels: it tells no answer, and what is packed on it is taken by who has the labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mmret.benchmarks import Benchmark, hide, load_benchmark
from mmret.cli.benchmarks import app
from mmret.errors import InputError
from mmret.evaluation import Settings, compare_results, evaluate, load_result, read_run, score_run_on
from mmret.items import Media
from mmret.leaderboard.submissions import Ground, check, facts_of_result, pack
from tests.benchmarks.omnicvr_files import make_labels, write_reupload, write_tars
from tests.conftest import write_rows

SHIPPED = Path(__file__).parents[3] / "mmret" / "benchmarks" / "data"


def _asked(benchmark: Benchmark) -> list[tuple[str, str | None]]:
    return [(item.id, item.text) for item in benchmark.queries]


@pytest.fixture
def hidden(small: Path, tmp_path: Path) -> Path:
    hide(load_benchmark(str(small)), small, tmp_path / "hidden")
    return tmp_path / "hidden"


def test_what_is_asked_stays_and_what_is_right_goes(small: Path, hidden: Path) -> None:
    whole, copy = load_benchmark(str(small)), load_benchmark(str(hidden))
    assert copy.hidden
    assert not len(copy.positives.positions)
    assert _asked(copy) == _asked(whole)
    assert copy.ground_digest == whole.ground_digest
    assert copy.media_digest == whole.media_digest
    assert copy.slices == {}
    assert copy.describe()["right documents"] == "hidden"
    rows = [json.loads(line) for line in (hidden / "queries.jsonl").read_text().splitlines()]
    assert {key for row in rows for key in row} == {"id", "text", "source", "gallery"}
    assert all(row["gallery"] == sorted(row["gallery"]) for row in rows)


def test_media_are_links_under_names_that_say_nothing(small: Path, hidden: Path) -> None:
    linked = sorted(path.stat().st_ino for path in (hidden / "media").iterdir())
    assert linked == sorted(path.stat().st_ino for path in (small / "videos").iterdir())
    assert sorted(path.name for path in (hidden / "media").iterdir())[0] == "000001.mp4"


def test_media_are_copied_where_there_are_no_links(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    whole = load_benchmark(str(small))
    hide(whole, small, tmp_path / "hidden")
    assert load_benchmark(str(tmp_path / "hidden")).media_digest == whole.media_digest


def test_slices_that_are_kept(small: Path, tmp_path: Path) -> None:
    hide(load_benchmark(str(small)), small, tmp_path / "hidden", ["even"])
    assert list(load_benchmark(str(tmp_path / "hidden")).slices) == ["even"]
    with pytest.raises(InputError, match="no slice big"):
        hide(load_benchmark(str(small)), small, tmp_path / "other", ["big"])


def test_unknown_fields_do_not_come_along(small: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (small / "queries.jsonl").read_text().splitlines()]
    write_rows(small / "queries.jsonl", [row | {"target_caption": "SECRET"} for row in rows])
    hide(load_benchmark(str(small)), small, tmp_path / "hidden")
    texts = [path.read_text() for path in (tmp_path / "hidden").glob("*.json*")]
    assert not any("SECRET" in text or "target" in text for text in texts)


def test_evaluated_packed_and_scored_by_who_has_the_labels(small: Path, hidden: Path, tmp_path: Path) -> None:
    settings = Settings(workers=1, cost_items=0)
    evaluate(str(hidden), "random", settings).save(tmp_path / "out")
    result = load_result(tmp_path / "out")
    assert result.record["scores"] == result.record["ties"] == {}
    assert result.record["benchmark"]["hidden"] is True
    assert any("labels are hidden" in warning for warning in result.record["warnings"])
    assert len(result.per_query) == 0
    path = tmp_path / "team.submission.parquet"
    pack(result.run, facts_of_result(result.record), path)
    whole = load_benchmark(str(small))
    assert check(path, Ground.of(whole)).ok
    known = evaluate(whole, "random", settings)
    protocol = next(iter(known.record["scores"]))
    assert score_run_on(read_run(path), whole).scores[protocol] == known.record["scores"][protocol]


def test_nothing_is_scored_without_labels(hidden: Path, tmp_path: Path) -> None:
    copy = load_benchmark(str(hidden))
    result = evaluate(copy, "random", Settings(workers=1, cost_items=0))
    with pytest.raises(InputError, match="its labels are hidden"):
        score_run_on(result.run, copy)
    with pytest.raises(InputError, match="there are no scores"):
        compare_results([result, result])
    with pytest.raises(InputError, match="its labels are hidden"):
        hide(copy, hidden, tmp_path / "again")


def test_a_hidden_copy_with_answers_is_faulty(small: Path, hidden: Path) -> None:
    (hidden / "queries.jsonl").write_text((small / "queries.jsonl").read_text())
    with pytest.raises(InputError, match="though labels are hidden"):
        load_benchmark(str(hidden))


def test_refusals(small: Path, hidden: Path, tmp_path: Path) -> None:
    whole = load_benchmark(str(small))
    with pytest.raises(InputError, match="is there already"):
        hide(whole, small, hidden)
    (small / "videos" / "clip-3.mp4").unlink()
    with pytest.raises(InputError, match=r"clip-3\.mp4: the file is missing"):
        hide(whole, small, tmp_path / "other")
    assert not [path for path in tmp_path.iterdir() if "other" in path.name]


def test_clips_in_a_tar(small: Path, tmp_path: Path) -> None:
    import tarfile

    with tarfile.open(small / "clips.tar", "w") as archive:
        for path in sorted((small / "videos").iterdir()):
            archive.add(path, path.name)
    rows = [json.loads(line) for line in (small / "documents.jsonl").read_text().splitlines()]
    write_rows(small / "documents.jsonl", [row | {"video": f"clips.tar/{row['id']}.mp4"} for row in rows])
    whole = load_benchmark(str(small))
    hide(whole, small, tmp_path / "hidden")
    copy = load_benchmark(str(tmp_path / "hidden"))
    assert isinstance(copy.documents[0].video, Media)
    assert copy.documents[0].video.member == "clip-0.mp4"
    assert copy.media_digest == whole.media_digest


def test_omnicvr_as_it_is_published(tmp_path: Path) -> None:
    labels = make_labels(queries=10, documents=30, gallery=12)
    write_reupload(tmp_path / "omnicvr", labels)
    write_tars(tmp_path / "omnicvr", labels.documents, [b"clip"])
    whole = load_benchmark("omnicvr", tmp_path / "omnicvr")
    hide(whole, tmp_path / "omnicvr", tmp_path / "hidden", ["audio-center"])
    copy = load_benchmark(str(tmp_path / "hidden"))
    assert (copy.name, copy.hidden, copy.sound_slices) == ("omnicvr", True, {"audio-center"})
    assert copy.ground_digest == whole.ground_digest
    assert copy.media_digest == whole.media_digest
    assert sorted(path.name for path in (tmp_path / "hidden" / "media").iterdir()) == [
        f"{i:06d}.tar" for i in (1, 2, 3)
    ]


def test_the_command(small: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["hide", str(small), "-o", str(tmp_path / "hidden"), "--keep-slices", "odd,even"])
    assert result.exit_code == 0
    assert load_benchmark(str(small)).ground_digest in result.stdout
    copy = load_benchmark(str(tmp_path / "hidden"))
    assert list(copy.slices) == ["even", "odd"]
    assert "6 queries, 6 documents, no labels" in result.stderr


def test_tables(tmp_path: Path) -> None:
    folder = SHIPPED / "tarvir-mini"
    whole = load_benchmark(str(folder))
    hide(whole, folder, tmp_path / "hidden", ["lookup"])
    copy = load_benchmark(str(tmp_path / "hidden"))
    assert copy.hidden
    assert copy.ground_digest == whole.ground_digest
    assert copy.media_digest == whole.media_digest
    assert list(copy.slices) == ["lookup"]
    assert sorted(path.name for path in (tmp_path / "hidden").iterdir()) == [
        "benchmark.json", "corpus.jsonl", "images", "queries.jsonl",
    ]  # fmt: skip
    view = "title=none,content=native"
    shown = [load_benchmark(str(where), view=view) for where in (folder, tmp_path / "hidden")]
    assert shown[0].ground_digest == shown[1].ground_digest == whole.ground_digest
    (tmp_path / "hidden" / "qrels").mkdir()
    (tmp_path / "hidden" / "qrels" / "test.tsv").write_bytes((folder / "qrels" / "test.tsv").read_bytes())
    with pytest.raises(InputError, match="yet qrels are here"):
        load_benchmark(str(tmp_path / "hidden"))
