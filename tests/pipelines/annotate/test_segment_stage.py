"""The stage as a whole: a folder of all kinds of files to clips, again after changes, and through kills."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import av
import pytest

from mmret.errors import InputError, RunError
from mmret.pipelines.annotate.config import About, Config, Segment, Source
from mmret.pipelines.annotate.project import Project, Row
from mmret.pipelines.annotate.records import Clip
from mmret.pipelines.annotate.segment import segment
from mmret.pipelines.annotate.segment.hashes import near_duplicates
from mmret.pipelines.annotate.segment.originals import list_originals

from ...processes import until
from . import films
from .films import Shot, write_film

SHOTS = [Shot(5, 1), Shot(6, 2), Shot(2, 3), Shot(5, 4, plain=True), Shot(5, 5, volume=0.001)]


def config(folder: Path, **settings: object) -> Config:
    return Config(
        project=About(folder=folder / "project"),
        source=[Source(name="own", folder=folder / "videos", licence="CC0")],
        segment=Segment.model_validate(settings),
    )


def rows_of(folder: Path, **settings: object) -> dict[str, Row]:
    with Project(config(folder, **settings)) as project:
        segment(project, workers=2)
        return project.rows("segment")


def reasons(rows: dict[str, Row]) -> list[str]:
    return [row.reason.partition(":")[0] or row.status for row in rows.values()]


def state(folder: Path, stage: str) -> list[str]:
    return (folder / "project" / "state" / f"{stage}.jsonl").read_text().split("\n")


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    (folder / "videos" / "more").mkdir(parents=True)
    write_film(folder / "videos" / "film.mp4", SHOTS)
    rows_of(folder)
    return folder


@pytest.fixture
def videos(_made: Path, tmp_path: Path) -> Path:
    """A folder of one's own with a film."""
    return Path(shutil.copytree(_made, tmp_path / "own", ignore=shutil.ignore_patterns("project")))


@pytest.fixture
def done(_made: Path, tmp_path: Path) -> Path:
    """The same, after a run."""
    return Path(shutil.copytree(_made, tmp_path / "own"))


def clips_in(folder: Path) -> dict[str, int]:
    """Name of each clip's file → when it was written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "project" / "clips").iterdir()}


def test_every_stretch_ends_as_a_clip_or_with_a_reason(done: Path) -> None:
    project = Project(config(done))
    assert reasons(project.rows("segment")) == ["accepted", "accepted", "too short", "too little motion", "too quiet"]
    clips = sorted(project.accepted("segment", Clip), key=lambda one: one.start)
    assert [(one.start, one.end) for one in clips] == [(0, 5), (5, 11)]
    assert {(one.original, one.licence, one.fps) for one in clips} == {("own/film.mp4", "CC0", 10)}
    assert {*clips_in(done)} == {f"{one.id}.mp4" for one in clips}
    for one in clips:
        assert hashlib.sha256(project.clip(one.id).read_bytes()).hexdigest() == one.sha256
        with av.open(str(project.clip(one.id))) as container:
            assert container.duration / av.time_base == pytest.approx(one.end - one.start, abs=0.1)


def test_files_that_are_no_use_are_told_apart_and_none_is_written_to(videos: Path) -> None:
    folder = videos / "videos"
    film = (folder / "film.mp4").read_bytes()
    (folder / "more" / "copy.mp4").write_bytes(film)
    (folder / "more" / "truncated.mp4").write_bytes(film[: len(film) // 2])
    (folder / "notes.txt").write_text("shot list")
    (folder / ".hidden").write_text("passed over")
    write_film(folder / "mute.mp4", SHOTS[:1], sounds=0)
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        path.chmod(0o444)
    before = [(path.stat().st_mtime_ns, path.read_bytes()) for path in files]
    rows_of(videos)
    assert before == [(path.stat().st_mtime_ns, path.read_bytes()) for path in files]
    scans = Project(config(videos)).rows("scan")
    assert {name: row.status for name, row in scans.items() if row.status == "accepted"} == {"own/film.mp4": "accepted"}
    assert scans["own/more/copy.mp4"].reason == "same file: as own/film.mp4"
    assert scans["own/more/truncated.mp4"].reason.startswith("not a readable media file")
    assert scans["own/mute.mp4"].reason == "no sound track"
    assert scans["own/notes.txt"].status == "rejected"
    assert len(scans) == 5


def test_near_duplicates_name_the_first(done: Path) -> None:
    write_film(done / "videos" / "small.mkv", SHOTS, size=(120, 72), options={"crf": "30"}, sound_codec="libopus")
    rows = rows_of(done)
    clips = {name: Clip.model_validate(row.record) for name, row in rows.items() if row.record}
    twins = {name: row.reason for name, row in rows.items() if row.reason.startswith("near duplicate")}
    assert len(clips) == 4
    assert len(twins) == 2
    for name, reason in twins.items():
        first = clips[reason.removeprefix("near duplicate: of ")]
        assert (first.original, clips[name].original) == ("own/film.mp4", "own/small.mkv")
        assert (first.start, first.end) == pytest.approx((clips[name].start, clips[name].end))


def test_the_same_picture_with_another_sound_is_no_duplicate(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = films.sound_of
    monkeypatch.setattr(films, "sound_of", lambda shots: sound([Shot(s.seconds, s.seed + 50) for s in shots]))
    write_film(done / "videos" / "dubbed.mp4", SHOTS[:2])
    assert reasons(rows_of(done)).count("accepted") == 4


def test_a_run_without_changes_does_nothing_again(done: Path) -> None:
    rows_of(done)  # the copy's digests are learnt
    files = [path for path in (done / "project").rglob("*") if path.is_file()]
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}
    rows_of(done)
    assert before == {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in before}


def test_changed_filters_decode_nothing_anew(done: Path) -> None:
    scans, cuts, clips = state(done, "scan"), state(done, "cut"), clips_in(done)
    assert reasons(rows_of(done, motion=0))[3] == "too plain"
    assert (state(done, "scan"), state(done, "cut")) == (scans, cuts)
    assert reasons(rows_of(done, motion=0, richness=0, loudness=-90)) == [
        "accepted", "accepted", "too short", "accepted", "accepted",
    ]  # fmt: skip
    assert state(done, "scan") == scans
    assert clips.items() <= clips_in(done).items()
    assert len(clips_in(done)) == 4
    rows_of(done)
    assert clips_in(done) == clips


def test_another_size_cuts_anew_and_other_shots_scan_anew(done: Path) -> None:
    scans, clips = state(done, "scan"), clips_in(done)
    rows_of(done, height=64)
    assert state(done, "scan") == scans
    assert {*clips_in(done)} == {*clips}
    assert all(clips_in(done)[name] > at for name, at in clips.items())
    assert len(rows_of(done, threshold=250)) == 2  # 23 s in two parts
    assert clips.keys().isdisjoint(clips_in(done))


def test_a_clip_that_is_gone_is_cut_again(done: Path) -> None:
    before, clips = Project(config(done)).rows("segment"), clips_in(done)
    lost = min(clips)
    (done / "project" / "clips" / lost).unlink()
    assert reasons(rows_of(done)) == reasons(before)
    assert {name for name, at in clips_in(done).items() if at != clips[name]} == {lost}


def test_another_content_under_the_same_name(done: Path) -> None:
    clips = clips_in(done)
    write_film(done / "videos" / "film.mp4", [Shot(5, 9)])
    assert reasons(rows_of(done)) == ["accepted"]
    assert clips.keys().isdisjoint(clips_in(done))
    (done / "videos" / "film.mp4").unlink()
    with pytest.raises(InputError, match="there is no file"):
        rows_of(done)


def test_a_changed_licence_cuts_nothing_anew(done: Path) -> None:
    before = state(done, "cut")
    changed = config(done).model_copy(update={"source": [Source(name="own", folder=done / "videos", licence="MIT")]})
    mine, left = (done / "project" / "clips" / name for name in ("holiday.mp4", "0123456789abcdef.mp4.77.part"))
    mine.touch()
    left.touch()
    with Project(changed) as project:
        segment(project, workers=1)
        assert {one.licence for one in project.accepted("segment", Clip)} == {"MIT"}
    assert state(done, "cut") == before
    assert (mine.exists(), left.exists()) == (True, False)  # what the stage has not made it does not delete


def test_no_clip_repeats_none() -> None:
    assert near_duplicates([], pictures=24, sounds=64) == {}


def test_a_file_has_one_source_and_a_name_that_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "videos" / "more").mkdir(parents=True)
    (tmp_path / "videos" / "more" / "a.mp4").touch()
    usual = config(tmp_path)
    nested = [*usual.source, Source(name="more", folder=tmp_path / "videos" / "more", licence="MIT")]
    with pytest.raises(InputError, match=r"a\.mp4: stands in two sources, own and more"):
        list_originals(usual.model_copy(update={"source": nested}))
    (tmp_path / "videos" / os.fsdecode(b"caf\xe9.mp4")).touch()
    with pytest.raises(InputError, match=r"not in UTF-8; rename them: 'own/caf\\udce9\.mp4'$"):
        list_originals(usual)


SCRIPT = """
import sys
from pathlib import Path
from mmret.pipelines.annotate.project import Project
from mmret.pipelines.annotate.segment import segment
from tests.pipelines.annotate.test_segment_stage import config
if __name__ == "__main__":
    with Project(config(Path(sys.argv[1]))) as project:
        segment(project, workers=2)
"""


def start(folder: Path) -> subprocess.Popen[bytes]:
    root = Path(__file__).resolve().parents[3]
    script = folder / "run.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": str(root)}
    return subprocess.Popen([sys.executable, script, folder], env=environment, stderr=subprocess.PIPE)


def test_a_kill_loses_nothing_that_was_done(videos: Path) -> None:
    write_film(videos / "videos" / "long.mp4", [Shot(5, seed) for seed in range(20, 30)])
    cuts = videos / "project" / "state" / "cut.jsonl"
    process = start(videos)
    until(lambda: cuts.exists() and cuts.read_text().count("accepted") >= 2, process)
    with pytest.raises(RunError, match="another process"), Project(config(videos)):
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = [json.loads(line)["id"] for line in cuts.read_text().split("\n") if line.endswith("}")]
    before = clips_in(videos)
    assert reasons(rows_of(videos)).count("accepted") == 12
    after = clips_in(videos)
    assert {f"{name}.mp4": before[f"{name}.mp4"] for name in done}.items() <= after.items()
    assert {Path(name).suffix for name in after} == {".mp4"}
