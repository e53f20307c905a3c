"""What is built from the repository: the contents of wheel and source archive, and a wheel that works on its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from packaging.metadata import Metadata

from mmret.encoders import encoders

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# What may lie in a wheel, beside modules: each kind of file in its places.
DATA = (
    r"mmret/py\.typed",
    r"mmret/data_cards/[\w-]+\.md",
    r"mmret/benchmarks/[\w/]+/published\w*\.json",
    r"mmret/benchmarks/data/omnicvr-mini/(\w+\.jsonl?|videos/c\d{3}\.mp4)",
    r"mmret/benchmarks/data/tarvir-mini/(\w+\.jsonl?|qrels/test\.tsv|(images|assets)/\w+\.png)",
    r"mmret/(leaderboard|pipelines)/[\w/]+/(templates|styles|pages)/\w+\.(html(\.j2)?|css|js)",
    r"mmret/pipelines/[\w/]+/(prompts/\w+\.md|card\.md|prompt\.txt)",
)


def run(*command: object, cwd: Path = ROOT, **environment: str) -> str:
    own = os.environ | environment
    arguments = [sys.executable, *map(str, command)]
    done = subprocess.run(arguments, cwd=cwd, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive."""
    folder = tmp_path_factory.mktemp("built")
    run("-m", "hatchling", "build", "--directory", folder)
    return folder


def only(files: Sequence[Path]) -> Path:
    (file,) = files
    return file


def wheel_in(folder: Path) -> Path:
    return only(list(folder.glob(f"mmret-{PROJECT['version']}-py3-none-any.whl")))


def files_below(folder: Path) -> set[str]:
    found = (path.relative_to(ROOT).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name for name in found if "__pycache__" not in name}


def test_a_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(wheel_in(built)) as wheel:
        assert wheel.testzip() is None
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        about = {name.partition(".dist-info/")[2] for name in wheel.namelist()} - {""}
        metadata = wheel.read(f"mmret-{PROJECT['version']}.dist-info/METADATA")
    assert names == files_below(ROOT / "mmret")
    allowed = re.compile("|".join((r"mmret/(\w+/)*\w+\.py", *DATA)))
    assert [name for name in sorted(names) if not allowed.fullmatch(name)] == []
    assert about == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    described = Metadata.from_email(metadata, validate=True)
    assert (described.name, str(described.version)) == ("mmret", PROJECT["version"])
    assert described.license_expression == "Apache-2.0"
    assert described.description_content_type == "text/markdown"
    assert described.description == (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(described.provides_extra or []) == PROJECT["optional-dependencies"].keys()
    assert all(address.startswith(PROJECT["urls"]["Homepage"]) for address in (described.project_urls or {}).values())


def test_the_source_archive_makes_the_same_wheel(built: Path, tmp_path: Path) -> None:
    with tarfile.open(only(list(built.glob("*.tar.gz")))) as archive:
        archive.extractall(tmp_path, filter="data")
    source = tmp_path / f"mmret-{PROJECT['version']}"
    for name in ("LICENSE", "README.md", "CHANGELOG.md", "Makefile", "constraints.txt", ".ci/run", "scripts/smoke.sh"):
        assert (source / name).read_bytes() == (ROOT / name).read_bytes()
    assert {path.name for path in (source / "tests").iterdir()} >= {"conftest.py", "packaging"}
    assert not list(source.rglob("__pycache__"))
    run("-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path / "again", cwd=source)
    assert wheel_in(tmp_path / "again").read_bytes() == wheel_in(built).read_bytes()


def test_the_wheel_works_where_the_repository_is_not(built: Path, tmp_path: Path) -> None:
    """Beside the packages installed here, without the `.pth` file that leads from them to the repository (`-S`)."""
    site, empty = tmp_path / "site", tmp_path / "empty"
    run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--target", site, wheel_in(built))
    empty.mkdir()
    path = f"{site}{os.pathsep}{sysconfig.get_path('purelib')}"

    def mmret(*arguments: str) -> str:
        return run("-S", "-m", "mmret", *arguments, cwd=empty, PYTHONPATH=path)

    where = run("-S", "-c", "import mmret, sys; print(mmret.__file__, *sys.path)", cwd=empty, PYTHONPATH=path)
    assert str(site) in where
    assert str(ROOT) not in where.split()
    assert PROJECT["version"] in mmret("--version")
    mmret("eval", "--bench", "tarvir-mini", "--model", "bm25", "--view", "title=text,content=native", "-o", "bm25")
    mmret("eval", "--bench", "tarvir-mini", "--model", "random", "--view", "title=text,content=native", "-o", "random")
    assert "bm25" in mmret("compare", "bm25", "random", "--measure", "R@10")
    mmret("report", "bm25", "random", "-o", "report.html")
    assert "</html>" in (empty / "report.html").read_text(encoding="utf-8")
    mmret("board", "init", "board")
    assert (empty / "board" / "board.sqlite3").is_file()


def test_one_version_everywhere() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == PROJECT["version"]
    assert cited.keys() >= {"cff-version", "message", "title", "authors"}
    assert (cited["license"], cited["repository-code"]) == (PROJECT["license"], PROJECT["urls"]["Homepage"])
    assert PROJECT["version"] in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_extra_that_is_named_exists() -> None:
    texts = [*(ROOT / "mmret").rglob("*.py"), *(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "Dockerfile"]
    pattern = re.compile(r"mmret\[([a-z,]+)\]|need\([^,]+, \"([a-z,]+)\"")
    found = {name for path in texts for match in pattern.findall(path.read_text(encoding="utf-8")) for name in match}
    found |= {model.spec.extra for model in encoders().values()}
    named = {extra for names in found for extra in names.split(",")} - {""}
    assert {"offline", "board", "tables", "ray"} <= named <= PROJECT["optional-dependencies"].keys()


def test_hooks_run_the_tools_of_the_environment() -> None:
    run("-m", "pre_commit", "validate-config", ".pre-commit-config.yaml")
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert [repository["repo"] for repository in hooks] == ["local"]
    assert all(hook["entry"].startswith(".venv/bin/") for hook in hooks[0]["hooks"])
