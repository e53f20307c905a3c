"""A project's gold becomes a benchmark that mmret reads at once, whole or not at all, and always the same."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard

from mmret.benchmarks import load_benchmark
from mmret.encoders import registry
from mmret.errors import InputError, RunError
from mmret.pipelines.annotate.config import Config
from mmret.pipelines.annotate.export import choose, export_project
from mmret.pipelines.annotate.export.account import settings_of
from mmret.pipelines.annotate.export.stage import Exported
from mmret.pipelines.annotate.project import Project
from mmret.pipelines.annotate.records import PairRow
from mmret.pipelines.annotate.verify import Findings

from .projects import Toy, judge, make_project, vote, write, yes


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(registry._CLASSES, "toy", Toy)
    monkeypatch.setenv("MMRET_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Six triplets that a trusted judge accepts; people accept the first three and turn the fourth down."""
    made = make_project(tmp_path)
    judge(made)
    vote(made, [f"{i:016x}" for i in range(3)])
    vote(made, [f"{3:016x}"], accept=False)
    return made


def export(project: Project, *, overwrite: bool = False, **changes: object) -> Exported:
    with Project(project.config.changed("export", **changes)) as own:
        return export_project(own, overwrite=overwrite, workers=1)


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "omnicvr.jsonl").read_text().splitlines()]


def test_only_gold_goes_out_in_both_layouts(project: Project) -> None:
    done = export(project)
    assert done.queries == {"gold": 3}
    benchmark = load_benchmark(str(done.folder))
    assert (benchmark.name, benchmark.version, benchmark.digest) == ("toys", "1", done.digest)
    assert len(benchmark.queries) == 3
    assert len(benchmark.documents) == done.clips == 16
    assert {label: len(members) for label, members in benchmark.slices.items()} == {
        "audio-center": 1, "gold": 3, "integrated": 1, "speech": 1, "visual-center": 1,
    }  # fmt: skip
    assert benchmark.source_in_gallery.all()
    targets = {one["query_id"]: one["target_id"] for one in rows(done.folder)}
    for i, query in enumerate(benchmark.queries):
        found = [benchmark.documents[at].id for at in benchmark.positives[i]]
        assert found == [targets[query.id]]
        assert query.text == f"Make it place {found[0].removesuffix('.mp4')}"
        assert query.video is not None
        with query.video.open() as file:  # the source, out of the tar
            number = int(file.read().decode().split("#")[1])
        assert benchmark.documents[benchmark.source[i]].id == f"c{number:02}.mp4"
    assert all(one["candidates"] == sorted(one["candidates"]) for one in rows(done.folder))
    # The original layout by itself says the same, but for what it has no field for.
    for name in ("corpus", "queries", "qrels", "top_ranked"):
        shutil.rmtree(done.folder / name)
    alone = load_benchmark(str(done.folder))
    assert alone.digest == benchmark.digest
    assert set(alone.slices) == {"unknown"}


def test_what_is_not_gold_goes_out_only_if_asked_for_and_is_marked(project: Project) -> None:
    done = export(project, status=["gold", "llm-accepted", "rejected"])
    assert done.queries == {"gold": 3, "llm-accepted": 2, "rejected": 1}
    benchmark = load_benchmark(str(done.folder))
    slices = {label: [benchmark.queries[i].id for i in members] for label, members in benchmark.slices.items()}
    table = pq.read_table(done.folder / "queries" / "queries.parquet").to_pylist()
    assert len(table) == 6
    for row, line in zip(table, rows(done.folder), strict=True):
        assert row["id"] in slices[row["status"]]
        assert line["status"] == row["status"]
    assert {row["pair"] for row in table if row["status"] == "rejected"} == {f"{3:016x}"}
    assert "3 of 6 queries" in benchmark.card.replace("\n", " ")
    assert json.loads((done.folder / "benchmark.json").read_text())["status"] == done.queries


def test_a_judge_that_always_says_yes_makes_no_gold(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    judge(project, says=yes)
    pairs = [pair.id for pair in project.accepted("mine", PairRow)]
    vote(project, pairs)
    with pytest.raises(
        RunError, match=r"nothing to export: no trusted language model has judged it \(6\); name language"
    ):
        export(project)
    assert not (tmp_path / "benchmark").exists()
    card = (export(project, status=["pending"]).folder / "README.md").read_text()
    assert "Not all of it is gold" in card
    assert "no: accepts " in card  # of all known-wrong controls, and so is not trusted
    assert "| llm:good | all known-wrong: accepted | 18 of 18 | 100.0% |" in card


def test_controls_never_go_out(project: Project) -> None:
    done = export(project, status=["gold", "llm-accepted", "pending", "rejected"])
    planted = {one.pair for one in Findings(project).verdicts if one.control}
    assert len(planted) > 20
    files = content(done.folder)
    for name in planted:
        assert not any(name.encode() in data for data in files.values())
    table = pq.read_table(done.folder / "queries" / "queries.parquet").to_pylist()
    assert {row["pair"] for row in table} == {pair.id for pair in project.accepted("mine", PairRow)}


def test_the_same_project_gives_the_same_bytes(project: Project, tmp_path: Path) -> None:
    first = export(project)
    second = export(project, folder=tmp_path / "other")
    assert content(first.folder) == content(second.folder)
    assert (first.sums, first.digest) == (second.sums, second.digest)
    listed = dict(reversed(line.split("  ")) for line in (first.folder / "SHA256SUMS").read_text().splitlines())
    found = {name: hashlib.sha256(data).hexdigest() for name, data in content(first.folder).items()}
    assert found.pop("SHA256SUMS") == first.sums
    assert listed == found
    with tarfile.open(first.folder / "videos" / "omnivideos-00000.tar") as tar:
        assert {(one.mtime, one.uid, one.gid) for one in tar} == {(0, 0, 0)}


def test_it_is_replaced_only_where_that_is_meant(project: Project, tmp_path: Path) -> None:
    first = export(project)
    before = content(first.folder)
    again = export(project)
    assert first.new
    assert again == replace(first, new=False)
    with pytest.raises(InputError, match=r"of another state .* or pass --overwrite"):
        export(project, gallery=5)
    assert content(first.folder) == before
    backup = Path(shutil.copytree(first.folder, tmp_path / "benchmark.old"))
    assert export(project, gallery=5, overwrite=True).digest != first.digest
    assert content(backup) == before
    assert not list(tmp_path.glob(".benchmark.*"))
    stranger = tmp_path / "photographs"
    stranger.mkdir()
    (stranger / "me.jpg").write_bytes(b"me")
    with pytest.raises(InputError, match="no exported benchmark"):
        export(project, folder=stranger, overwrite=True)
    assert (stranger / "me.jpg").exists()


@pytest.mark.parametrize("harm", ["changed", "gone"])
def test_a_failure_leaves_nothing_and_harms_nothing(project: Project, tmp_path: Path, harm: str) -> None:
    first = export(project)
    before = content(first.folder)
    if harm == "changed":
        project.clip("c03").write_text("4 4#other")
    else:
        project.clip("c03").unlink()
    for folder in (tmp_path / "other", first.folder):
        with pytest.raises(RunError, match=r"c03\.mp4: .*mmret annotate segment"):
            export(project, folder=folder, gallery=15, overwrite=True)
    assert content(first.folder) == before
    assert not list(tmp_path.glob(".*.part"))
    assert not (tmp_path / "other").exists()


def test_ambiguous_questions_and_other_splits_stay(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    pairs = project.accepted("mine", PairRow)
    twin = pairs[0].model_copy(update={"id": "f" * 16, "target": pairs[1].target})
    pairs = [*pairs[:4], pairs[4].model_copy(update={"split": "train"}), pairs[5], twin]
    texts = {pair.id: "Make it another" if pair.source == twin.source else f"Make it {pair.target}" for pair in pairs}
    with project:
        write(project, pairs, texts)
    judge(project)
    vote(project, [pair.id for pair in pairs])
    chosen = choose(project)
    assert {one.pair.id for one in chosen.triplets} == {pairs[i].id for i in (1, 2, 3, 5)}
    assert chosen.left_out == {
        "the same is asked of the same source for another target": 2,
        "of the split train": 1,
    }


def test_splits_that_were_changed_since_mining_are_told_of(project: Project) -> None:
    changed = Project(project.config.changed("mine", train=1, test=0))
    with changed, pytest.raises(RunError, match="settings of the splits have changed since pairs were mined"):
        export_project(changed, workers=1)


def test_folders_and_servers_are_told_to_nobody() -> None:
    places = {
        "/home/ann/weights": "weights",
        "Qwen/Qwen2.5-Omni-7B": "Qwen/Qwen2.5-Omni-7B",
        "m@http://10.0.0.7/v1": "m",
    }
    for place, told in places.items():
        config = Config.model_validate({"describe": {"by": f"omni:{place}"}, "source": [{"link": "https://a.org/b/c"}]})
        shown = settings_of(config)
        assert (shown["describe"]["by"], shown["source"][0]["link"]) == (f"omni:{told}", "https://a.org/b/c")


def test_galleries_hold_only_clips_of_the_split(tmp_path: Path) -> None:
    project = make_project(tmp_path, films=8, mine={"train": 0.5, "test": 0.5})
    judge(project)
    splits = {split: export_split(project, split) for split in ("train", "test")}
    assert splits["train"]
    assert splits["test"]
    assert not splits["train"] & splits["test"]


def export_split(project: Project, split: str) -> set[str]:
    """The originals whose clips a benchmark holds that is made of pairs within a split."""
    from mmret.pipelines.annotate.mine.material import described_clips, splits_of

    of = splits_of(project)
    own = [one.id for one in described_clips(project) if of[one.original] == split]
    pairs = [
        PairRow(id=f"{i:016x}", source=own[i], target=own[-1 - i], kind="integrated", visual=0, audio=0, split=split)
        for i in range(3)
    ]
    with project:
        write(project, pairs, {pair.id: f"Make it place {pair.target}" for pair in pairs})
    judge(project)
    done = export(project, split=split, status=["llm-accepted"], folder=project.folder.parent / split)
    assert load_benchmark(str(done.folder)).name == ("toys" if split == "test" else "toys-train")
    return set(pq.read_table(done.folder / "corpus" / "corpus.parquet")["original"].to_pylist())


def test_the_card_is_one_of_the_hub_and_says_how_far_to_trust(project: Project) -> None:
    folder = export(project).folder
    card = DatasetCard.load(folder / "README.md")
    assert card.data.license == ["cc-by-4.0", "cc0-1.0"]
    assert {one["config_name"] for one in card.data.to_dict()["configs"]} == {
        "corpus",
        "queries",
        "qrels",
        "top_ranked",
    }
    for config in card.data.to_dict()["configs"]:
        (file,) = folder.glob(config["data_files"][0]["path"])
        assert pq.read_table(file).num_rows
    text = card.text
    for said in (
        "| own | 16 | CC-BY 4.0 | https://example.org/films |",
        "| describe | 16 | 16 | 0 | 0 | 100.0% |",
        "3 texts by `offline`: composed from the difference of two descriptions; no language model",
        "3 judgements by `llm:good`",
        "| llm:good | all known-wrong: accepted | 0 of 18 | 0.0% | 0.0% to ",
        "| reviewer 1 | 4 | 75.0% |",
        "| audio-center | 1 | 1 | 1 |",
    ):
        assert said in text, said
    account = json.loads((folder / "account.json").read_text())
    assert set(account["digests"]) == {"segment", "describe", "mine", "write", "verify", "votes"}
    # Neither people nor the places of folders and servers are named anywhere.
    for name, data in content(folder).items():
        assert not any(word in data for word in (b"quinn", b"xerxes", b"127.0.0.1", str(project.folder).encode())), name
    for prompt in (folder / "prompts").iterdir():
        digest = account["prompts"][prompt.stem]
        assert hashlib.sha256(prompt.read_text().strip().encode()).hexdigest().startswith(digest)
