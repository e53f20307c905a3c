from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmret.benchmarks import (
    Benchmark,
    Exclusions,
    Ragged,
    benchmarks,
    exclusions_path,
    folder_of,
    hide,
    load_benchmark,
    make_benchmark,
    only_provenance,
)
from mmret.errors import InputError
from mmret.items import Item, Media

from ..conftest import write_rows

Rows = list[dict[str, Any]]


def read_rows(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_folder_loads_by_its_path(small: Path) -> None:
    benchmark = load_benchmark(str(small))
    assert [item.id for item in benchmark.queries] == [f"query-{i}" for i in range(6)]
    assert benchmark.positives[0].tolist() == [1]
    assert benchmark.source is not None
    assert benchmark.source.tolist() == list(range(6))
    assert benchmark.source_in_gallery.all()
    assert benchmark.gallery_sizes.tolist() == [6] * 6
    assert benchmark.queries[2].video == benchmark.documents[2].video == benchmark.documents[2].audio
    assert benchmark.slices["even"].tolist() == [0, 2, 4]


def test_the_order_of_files_changes_nothing(small: Path) -> None:
    before = load_benchmark(str(small))
    for name in ("documents.jsonl", "queries.jsonl"):
        rows = read_rows(small / name)[::-1]
        for row in rows:
            row.get("gallery", []).reverse()
        write_rows(small / name, rows)
    after = load_benchmark(str(small))
    assert after.digest == before.digest
    assert after.queries == before.queries


def test_the_digest_changes_with_what_decides_a_score(small: Path) -> None:
    def change_target(rows: Rows) -> None:
        rows[0]["targets"] = {"clip-3": 1}

    def change_grade(rows: Rows) -> None:
        rows[0]["targets"] = {"clip-1": 2}

    def change_gallery(rows: Rows) -> None:
        rows[0]["gallery"].remove("clip-5")

    def change_text(rows: Rows) -> None:
        rows[0]["text"] += "!"

    original = (small / "queries.jsonl").read_text()
    digests = {load_benchmark(str(small)).digest}
    for change in (change_target, change_grade, change_gallery, change_text):
        rows = [json.loads(line) for line in original.splitlines()]
        change(rows)
        write_rows(small / "queries.jsonl", rows)
        digests.add(load_benchmark(str(small)).digest)
    assert len(digests) == 5


def test_media_and_slices_are_no_labels(small: Path) -> None:
    before = load_benchmark(str(small))
    assert before.media_digest == load_benchmark(str(small)).media_digest
    rows = read_rows(small / "queries.jsonl")
    rows[0]["slices"] = ["odd"]
    write_rows(small / "queries.jsonl", rows)
    (small / "videos" / "clip-0.mp4").write_bytes((small / "videos" / "clip-1.mp4").read_bytes())
    after = load_benchmark(str(small))
    assert after.digest == before.digest
    assert after.media_digest != before.media_digest


def edit(key: str, value: object) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        rows[2][key] = value

    return change


def remove(key: str) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        del rows[2][key]

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (edit("targets", {"clip-9": 1}), r"queries\.jsonl:3: target 'clip-9' is no document"),
        (edit("targets", "clip-1"), r"queries\.jsonl:3: 'targets' must be"),
        (edit("targets", {}), "queries without a right document: query-2"),
        (edit("targets", {"clip-3": 0}), "graded 0 or less: query-2"),
        (edit("targets", {"clip-2": 1}), "whose source is also a right document: query-2"),
        (edit("source", "clip-9"), r"queries\.jsonl:3: source 'clip-9' is no document"),
        (edit("gallery", ["clip-1", "clip-2"]), "a right document outside the gallery: query-2"),
        (edit("gallery", ["clip-3", "clip-3"]), "a document twice in the gallery: query-2"),
        (edit("gallery", "clip-3"), r"queries\.jsonl:3: 'gallery' must be a list"),
        (edit("gallery", [{"a": 1}]), r"queries\.jsonl:3: candidate \{'a': 1\} is no document"),
        (edit("targets", {"clip-3": float("nan")}), "with a grade that is no number: query-2"),
        (edit("targets", {"clip-3": float("inf")}), "with a grade that is no number: query-2"),
        (edit("slices", "even"), r"queries\.jsonl:3: 'slices' must be a list of labels"),
        (edit("slices", None), r"queries\.jsonl:3: 'slices' must be a list of labels"),
        (edit("id", "query-1"), "query ids given twice: query-1"),
        (edit("id", ""), r"queries\.jsonl:3: 'id' must be a text that is not empty"),
        (edit("text", 7), r"queries\.jsonl:3: 'text' must be a text"),
        (remove("gallery"), r"queries\.jsonl:3: no 'gallery'"),
        (remove("text"), r"queries\.jsonl:3: the field 'text' is missing"),
        (remove("targets"), r"queries\.jsonl:3: the field 'targets' is missing"),
    ],
)
def test_a_bad_query_is_named_by_file_and_line(small: Path, change: Callable[[Rows], None], words: str) -> None:
    rows = read_rows(small / "queries.jsonl")
    change(rows)
    write_rows(small / "queries.jsonl", rows)
    with pytest.raises(InputError, match=words):
        load_benchmark(str(small))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("documents.jsonl", "", r"documents\.jsonl: the file is empty"),
        ("documents.jsonl", "{", r"documents\.jsonl:1: not JSON"),
        ("documents.jsonl", "[]", r"documents\.jsonl:1: not a JSON object"),
        ("documents.jsonl", '{"id": "clip-0"}', r"documents\.jsonl:1: the field 'video' is missing"),
        ("documents.jsonl", '{"id": "a", "video": "a.mp4", "text": 7}', r"documents\.jsonl:1: 'text' must be a text"),
        ("benchmark.json", "{}", r"benchmark\.json: the field 'layout' is missing"),
        ("benchmark.json", "nothing", r"benchmark\.json: not JSON"),
        ("benchmark.json", '{"layout": "x", "name": "a", "version": 1}', "unknown layout 'x'"),
        (
            "benchmark.json",
            '{"layout": "composed-video", "name": "a", "version": 1, "requires": ["smell"]}',
            "'requires' must be a list out of",
        ),
        (
            "benchmark.json",
            '{"layout": "composed-video", "name": "a", "version": 1, "sound_slices": "even"}',
            "'sound_slices' must be a list",
        ),
    ],
)
def test_a_bad_file_is_named(small: Path, name: str, content: str, words: str) -> None:
    (small / name).write_text(content)
    with pytest.raises(InputError, match=words):
        load_benchmark(str(small))


def test_missing_folders_and_unknown_names_say_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: no such folder"):
        load_benchmark(str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"no benchmark here: neither benchmark\.json"):
        load_benchmark(str(tmp_path))
    with pytest.raises(InputError, match="did you mean omnicvr-mini"):
        load_benchmark("omnicvr-mimi")
    with pytest.raises(InputError, match="no such folder"):
        load_benchmark("omnicvr-mini", tmp_path / "nowhere")


def test_a_subset_keeps_labels_and_galleries_in_step() -> None:
    benchmark = Benchmark(
        "b",
        "1",
        queries=[Item(f"q{i}", "text") for i in range(3)],
        documents=[Item(f"d{i}", "text") for i in range(5)],
        positives=Ragged.of([[1], [2, 4], [0]]),
        gains=np.asarray([1.0, 2.0, 3.0, 4.0]),
        galleries=Ragged.of([[0, 1, 3], [0, 2, 3, 4], [0, 3]]),
        source=np.asarray([3, -1, 3], np.int32),
        slices={"a": np.asarray([0, 1]), "b": np.asarray([0])},
    )
    part = benchmark.subset(np.asarray([1, 2]), np.asarray([0, 3, 4]))
    assert [item.id for item in part.documents] == ["d0", "d3", "d4"]
    assert part.positives[0].tolist() == [2]
    assert part.gains.tolist() == [3.0, 4.0]
    assert part.galleries is not None
    assert [gallery.tolist() for gallery in part.galleries] == [[0, 1, 2], [0, 1]]
    assert part.source is not None
    assert part.source.tolist() == [-1, 1]
    assert {label: members.tolist() for label, members in part.slices.items()} == {"a": [0]}


def made(**fields: Any) -> Benchmark:
    """Three queries and five documents."""
    given: dict[str, Any] = {
        "name": "b",
        "version": "1",
        "queries": [Item(f"q{i}", "text") for i in range(3)],
        "documents": [Item(f"d{i}", "text") for i in range(5)],
        "positives": Ragged.of([[1], [2], [0]]),
        "gains": np.ones(3),
    }
    return Benchmark(**given | fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"positives": Ragged.of([[1], [2], [5]])}, "b: positives: positions must be from 0 to 4"),
        ({"positives": Ragged.of([[1], [2], [-1]])}, "b: positives: positions must be from 0 to 4"),
        ({"galleries": Ragged.of([[0, 1, 2, 7]])}, "b: galleries: positions must be from 0 to 4"),
        ({"source": np.asarray([3, -2, 3], np.int32)}, "b: source: positions must be from -1 to 4"),
        ({"source": np.asarray([3], np.int32)}, "b: 3 queries but 1 sources"),
        ({"slices": {"a": np.asarray([3])}}, "b: slice 'a': positions must be from 0 to 2"),
    ],
)
def test_positions_of_nothing_are_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        made(**fields)


def test_no_query_loses_its_source() -> None:
    benchmark = made(source=np.asarray([3, -1, 4], np.int32))
    with pytest.raises(InputError, match="b: queries whose source is left out: q2; leave them out"):
        benchmark.subset(np.arange(3), np.arange(4))
    assert len(benchmark.subset(np.arange(2), np.arange(4)).documents) == 4
    listed = Exclusions(documents=[{"id": "d3", "reason": "by hand"}])
    with pytest.raises(InputError, match="source is left out: q0"):
        made(source=np.asarray([3, -1, 4], np.int32), excluded=listed).usable()


def test_where_labels_come_from_may_be_one_word() -> None:
    benchmark = made(provenance=np.asarray(["human", "", "model:x"]))
    assert [item.id for item in only_provenance(benchmark, "human").queries] == ["q0"]
    assert [item.id for item in only_provenance(benchmark, ["model"]).queries] == ["q2"]


def test_the_folder_of_what_is_shipped_is_known() -> None:
    for name in ("omnicvr-mini", "tarvir-mini"):
        assert (folder_of(name, None) / "benchmark.json").is_file()
        assert exclusions_path(name, None).parent != folder_of(name, None)  # nothing is written there


def test_omnicvr_mini_is_what_its_card_says() -> None:
    benchmark = load_benchmark("omnicvr-mini")
    assert (len(benchmark.documents), len(benchmark.queries)) == (144, 150)
    assert benchmark.galleries is not None
    assert set(benchmark.gallery_sizes) == {60}
    assert benchmark.source_in_gallery.all()
    assert len({gallery.tobytes() for gallery in benchmark.galleries}) > 100
    for label in ("audio-center", "visual-center", "integrated"):
        assert len(benchmark.slices[label]) == 50
    assert sum(len(benchmark.slices[f"audio-center/{kind}"]) for kind in ("speech", "music", "sound")) == 50
    for item in benchmark.queries:
        assert 10 <= len(str(item.text).split()) <= 40
    assert "CC-BY" in benchmark.card
    assert "omnicvr-mini" in benchmarks()


def test_omnicvr_mini_names_the_origin_and_licence_of_every_clip() -> None:
    benchmark = load_benchmark("omnicvr-mini")
    folder = benchmark.documents[0].media[0].path.parents[1]
    named: dict[str, set[str]] = {item.id: set() for item in benchmark.documents}
    for row in read_rows(folder / "sources.jsonl"):
        cells = [row[key] for key in ("key", "description", "origin", "licence", "attribution")]
        cells.append(" ".join(row["clips"]))
        assert f"| {' | '.join(cells)} |" in benchmark.card
        for clip in row["clips"]:
            named[clip].add(row["kind"])
    assert set(map(frozenset, named.values())) == {frozenset({"picture", "sound"})}


def test_omnicvr_mini_is_a_grid_whose_parts_agree_bit_for_bit() -> None:
    """An edit of one kind leaves the packets of the other stream untouched, so the truth is exact."""
    import av

    benchmark = load_benchmark("omnicvr-mini")

    def stream(position: int, kind: str) -> bytes:
        with av.open(str(benchmark.documents[position].media[0].path)) as container:
            chosen = container.streams.video[0] if kind == "video" else container.streams.audio[0]
            return b"".join(bytes(packet) for packet in container.demux(chosen))

    assert benchmark.source is not None
    for label, same, other in (("audio-center", "video", "audio"), ("visual-center", "audio", "video")):
        for i in benchmark.slices[label][::10]:
            source, target = int(benchmark.source[i]), int(benchmark.positives[int(i)][0])
            assert stream(source, same) == stream(target, same)
            assert stream(source, other) != stream(target, other)
    for i in benchmark.slices["integrated"][::10]:
        source, target = int(benchmark.source[i]), int(benchmark.positives[int(i)][0])
        assert stream(source, "video") != stream(target, "video")
        assert stream(source, "audio") != stream(target, "audio")


def test_a_copy_that_could_not_say_what_is_heard_is_refused(clip: Path, tmp_path: Path) -> None:
    media = Media(clip)
    documents = [Item("d1", audio=media), Item("d2", video=media, audio=media), Item("d3", video=media)]
    benchmark = make_benchmark("b", [Item("q", text="rain")], documents, {"q": ["d1"]})
    with pytest.raises(InputError, match="no other sound than the track of each video; not so are d1, d3"):
        hide(benchmark, tmp_path, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
