"""From raw films to a ranking, offline: every stage for real, a language model played by a server, two people."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from typer.testing import CliRunner

from mmret.benchmarks import load_benchmark
from mmret.cli import app
from mmret.errors import RunError
from mmret.pipelines.annotate.config import Config
from mmret.pipelines.annotate.project import Project
from mmret.pipelines.annotate.records import PairRow
from mmret.pipelines.annotate.verify import Findings

from ....chat_server import answer, chat_server
from .projects import vote

# Clips of the built-in benchmark: a cat, a rocket and a meadow, with dogs, a violin, surf and drums.
FILMS = (("c140", "c143", "c010", "c104"), ("c004", "c067", "c026", "c124"))
SETTINGS = """
[project]
name = "evening"
[[source]]
name = "films"
folder = "films"
licence = "CC-BY 3.0"
[segment]
shortest = 3
longest = 6
[describe]
frames = 1
[mine]
audio_center = ["visual > 75%", "audio < 50%"]
visual_center = ["visual < 75%", "audio > 80%"]
[verify]
judges = ["{judge}"]
media = false
others = 3
controls = 40
false_accepts = 0.5
"""


def join(path: Path, clips: list[Path]) -> None:
    """A film of several clips, one after the other, encoded anew."""
    with av.open(str(path), "w") as film:
        video = film.add_stream("libx264", rate=12, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        sound: Any = film.add_stream("aac", rate=48_000, layout="mono")
        frames = samples = 0
        for clip in clips:
            with av.open(str(clip)) as source:
                for frame in source.decode(video=0, audio=0):
                    if isinstance(frame, av.VideoFrame):
                        frame.pts, frame.time_base = frames, Fraction(1, 12)
                        frame.pict_type = av.video.frame.PictureType.NONE
                        frames += 1
                        film.mux(video.encode(frame))
                    else:
                        frame.pts, frame.time_base = samples, Fraction(1, 48_000)
                        samples += frame.samples
                        film.mux(sound.encode(frame))
        film.mux(video.encode())
        film.mux(sound.encode())


def names(annotation: dict[str, Any]) -> set[str]:
    """What an annotation names."""
    seen, heard = annotation["seen"], annotation["heard"]
    said = [*seen["objects"], *seen["text"], *heard["music"].split(", "), heard["speech"]["content"]]
    return {name for name in [*said, *(sound["name"] for sound in heard["sounds"])] if name}


def careful(body: dict[str, Any]) -> object:
    """Accepts a request that names what only the target has, and does not take it back."""
    text = "".join(part["text"] for part in body["messages"][0]["content"])
    found = re.search(r"<request>\n(.*?)\n</request>", text, re.DOTALL)
    assert found is not None
    source, target = (names(json.loads(one)) for one in re.findall(r"The (?:source|target) clip:\n(\{.*\})", text))
    new = target - source
    accepts = any(name in found[1] for name in new or source - target) and "not wanted" not in found[1]
    return verdict(accepts)


def verdict(accepts: bool) -> object:
    criteria = dict.fromkeys(("true_of_target", "false_of_source", "complete", "unambiguous", "natural"), accepts)
    return answer(json.dumps({"reason": "compared the two", "criteria": criteria}), usage=(100, 20))


def mmret(*arguments: object) -> Any:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0
    return result


def configure(folder: Path, judge: str) -> Path:
    config = folder / "project.toml"
    config.write_text(SETTINGS.format(judge=judge), encoding="utf-8")
    return config


def test_from_films_to_a_ranking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMRET_CACHE", str(tmp_path / "cache"))
    (tmp_path / "films").mkdir()
    videos = load_benchmark("omnicvr-mini").documents[0].media[0].path.parent
    for i, film in enumerate(FILMS):
        join(tmp_path / "films" / f"film{i}.mp4", [videos / f"{name}.mp4" for name in film])
    with chat_server(careful) as server:
        config = configure(tmp_path, f"llm:careful@{server.address}")
        # A budget that is spent stops the run; the next one goes on and asks nothing twice.
        with pytest.raises(
            RunError, match=r"verify: the budget is spent and .* to go on give the same command a higher"
        ):
            mmret("annotate", "run", config, "--max-calls", 5, "--workers", 1)
        assert len(server.bodies) == 5
        told = mmret("annotate", "run", config, "--workers", 1).stderr
        assert "export: nothing yet: too few people have voted" in told
        questions = [json.dumps(body) for body in server.bodies]
        assert len(questions) == len(set(questions)) > 20
        report = json.loads(mmret("annotate", "report", config, "--json").stdout)
        assert sum(one["calls"] for one in report["calls"]) == len(questions)
        through = {one["stage"]: one["accepted"] for one in report["stages"]}
        assert (through["scan"], through["segment"], through["describe"]) == (2, 8, 8)
        assert [judged["trust"]["trusted"] for judged in report["judges"]] == [True]

        project = Project(Config.read(config))
        accepted = sorted(name for name, one in Findings(project).standings.items() if one.llm_accepts)
        assert len(accepted) > 3
        vote(project, accepted[1:])
        vote(project, accepted[:1], who=["quinn"])
        vote(project, accepted[:1], who=["xerxes"], accept=False)
        assert f"export: {tmp_path / 'benchmark'} written" in mmret("annotate", "run", config, "--workers", 1).stderr
        assert len(server.bodies) == len(questions)
    done = json.loads(mmret("annotate", "export", config, "--json").stdout)
    assert done["status"] == {"gold": len(accepted) - 1}
    folder = done["folder"]

    assert json.loads(mmret("benchmarks", "verify", folder, "--workers", 1, "--json").stdout)["media"]["readable"] == 8
    shown = mmret("benchmarks", "show", folder).stdout
    assert done["digest"] in shown
    assert "| llm:careful | all known-wrong: accepted | " in shown
    evaluated = ("--model", "tagbridge", "--workers", 1, "--cost-items", 0, "--output", tmp_path / "result", "--json")
    result = json.loads(mmret("eval", "--bench", folder, *evaluated).stdout)
    assert result["benchmark"]["digest"] == done["digest"]
    kinds = {pair.kind for pair in project.accepted("mine", PairRow) if pair.id in accepted[1:]}
    assert {*kinds, "gold"} <= set(result["scores"]["gallery"])

    # A judge that always says yes is exposed, and nothing that it accepts goes out.
    with chat_server(lambda _: verdict(True)) as server:
        configure(tmp_path, f"llm:yes@{server.address}")
        assert "llm:yes is not trusted: accepts " in mmret("annotate", "verify", config).stderr
        with pytest.raises(RunError, match="nothing to export: no trusted language model has judged it"):
            mmret("annotate", "export", config, "--output", tmp_path / "other")
    assert not (tmp_path / "other").exists()
