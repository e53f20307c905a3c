"""`mmret submit pack` and `check` as people call them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mmret.benchmarks import load_benchmark
from mmret.cli.submit import app
from mmret.errors import InputError
from mmret.evaluation import Settings, evaluate
from mmret.leaderboard.submissions import Ground, check, read_description


def _call(*words: object, ok: bool = True) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(result.exception, InputError):
        raise result.exception
    assert (result.exit_code == 0) == ok, result.output
    return result


@pytest.fixture
def evaluated(small: Path, tmp_path: Path) -> Path:
    evaluate(str(small), "random", Settings(workers=1)).save(tmp_path / "out")
    return tmp_path / "out"


def test_pack_fills_in_what_it_knows(small: Path, evaluated: Path) -> None:
    told = json.loads(_call("pack", evaluated, "--json").stdout)
    path = evaluated.with_name("out.submission.parquet")
    assert Path(told["file"]) == path
    assert told["entries"] == 36
    assert "authors" in told["undeclared"]
    description = read_description(path)
    record = json.loads((evaluated / "result.json").read_text())
    assert description.model.name == "random"
    assert description.model.track == "native-audio"
    assert description.model.document == record["model"]["modalities"]["document"]
    assert description.settings["frames"] == 8
    assert description.cost.hardware == "cpu"
    seconds = sum(record["cost"]["item"]["query"][stage]["seconds"] for stage in ("decode", "caption", "embed"))
    assert description.cost.query_ms == pytest.approx(1000 * seconds)
    assert check(path, Ground.of(load_benchmark(str(small)))).ok


def test_people_say_the_rest(small: Path, evaluated: Path, tmp_path: Path) -> None:
    said: dict[str, Any] = {
        "authors": ["A. Author", "B. Büttner"],
        "model": {"parameters": 7, "licence": "from the file"},
        "cost": {"query_gflop": 1.5},
        "saw_benchmark": "train",
    }
    (tmp_path / "said.json").write_text(json.dumps(said))
    options = ("--describe", tmp_path / "said.json", "--licence", "MIT", "--link", "https://example.org/m",
               "--closed-weights", "-o", tmp_path / "x.submission.parquet", "-b", small)  # fmt: skip
    out = _call("pack", evaluated, *options).stdout
    assert "good: 36 entries" in out
    description = read_description(tmp_path / "x.submission.parquet")
    assert description.authors == said["authors"]
    assert (description.model.parameters, description.model.licence, description.model.open_weights) == (
        7,
        "MIT",
        False,
    )
    assert description.model.name == "random"
    assert description.cost.query_gflop == 1.5
    assert description.cost.query_ms is not None
    assert description.saw_benchmark == "train"
    for name in ("model.link", "authors", "saw_benchmark"):
        assert name not in description.undeclared


@pytest.mark.parametrize("name", ["run.trec", "run.trec.gz", "run.parquet"])
def test_a_run_of_any_system(small: Path, evaluated: Path, tmp_path: Path, name: str) -> None:
    from mmret.evaluation import read_run, write_run

    write_run(read_run(evaluated / "run.parquet"), tmp_path / name)
    with pytest.raises(InputError, match="--bench"):
        _call("pack", tmp_path / name)
    with pytest.raises(InputError, match="--model"):
        _call("pack", tmp_path / name, "-b", small)
    model = ("-m", "mine", "--query", "text,video", "--document", "video", "--track", "no-audio")
    _call("pack", tmp_path / name, "-b", small, *model)
    description = read_description(tmp_path / "run.submission.parquet")
    assert description.model.name == "mine"
    assert description.benchmark.digest == load_benchmark(str(small)).ground_digest


def test_a_partial_run_is_refused_when_checked(small: Path, tmp_path: Path) -> None:
    evaluate(str(small), "random", Settings(workers=1, cost_items=0, limit=4)).save(tmp_path / "out")
    result = _call("pack", tmp_path / "out")
    assert "--limit" in result.stderr
    result = _call("pack", tmp_path / "out", "-b", small, ok=False)
    assert "error missing-queries" in result.stdout


def test_check_against_a_benchmark_or_what_a_board_gives(small: Path, evaluated: Path, tmp_path: Path) -> None:
    _call("pack", evaluated)
    path = evaluated.with_name("out.submission.parquet")
    Ground.of(load_benchmark(str(small))).save(tmp_path / "ground.parquet")
    assert "good: 36 entries" in _call("check", path, "-b", small).stdout
    told = json.loads(_call("check", path, "--ground", tmp_path / "ground.parquet", "--json").stdout)
    assert told["ok"] is True
    with pytest.raises(InputError, match="either --bench NAME or --ground FILE"):
        _call("check", path)
    path.write_bytes(path.read_bytes()[:-50])
    result = _call("check", path, "-b", small, ok=False)
    assert result.stdout.startswith("error not-parquet: ")
    assert "refused" in result.stdout


def test_what_cannot_be_declared(evaluated: Path, tmp_path: Path) -> None:
    for content, said in {
        "[": "not JSON",
        "[]": "not a JSON object",
        '{"run": {}}': "unknown field",
        '{"model": "x"}': "must be",
    }.items():
        (tmp_path / "said.json").write_text(content)
        with pytest.raises(InputError, match=said):
            _call("pack", evaluated, "--describe", tmp_path / "said.json")


def test_results_of_an_earlier_version(evaluated: Path) -> None:
    record = json.loads((evaluated / "result.json").read_text())
    del record["benchmark"]["ground_digest"]
    (evaluated / "result.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="evaluate again"):
        _call("pack", evaluated)
