"""Settings of a project: the file that `init` writes, and mistakes in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmret.errors import InputError
from mmret.pipelines.annotate.config import Config, template


def read(folder: Path, text: str) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return Config.read(path)


def test_the_template_holds_all_defaults(tmp_path: Path) -> None:
    found, usual = read(tmp_path, template()), Config()
    folders = {"project": True, "source": True, "export": {"folder"}}
    assert found.model_dump(exclude=folders) == usual.model_dump(exclude=folders)
    assert found.export.folder == tmp_path / "benchmark"
    assert found.project.folder == tmp_path / "project"
    assert found.source[0].folder == tmp_path / "videos"
    assert read(tmp_path, "").model_dump() == found.model_dump()


def test_numbers_written_in_another_way_are_the_same_setting(tmp_path: Path) -> None:
    one, other = (read(tmp_path, f"[segment]\nthreshold = {text}").segment for text in ("36", "36.0"))
    assert one.model_dump_json() == other.model_dump_json() == Config().segment.model_dump_json()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[segment]\ntreshold = 3", "segment.treshold: Extra inputs are not permitted"),
        ("[segment]\nthreshold = -3\ncrf = 'x'", "segment.threshold: .*, segment.crf: "),
        ("[segment]\nshortest = 10", "longest must be twice shortest"),
        ("[[source]]\nfolder = 'a'\n[[source]]\nfolder = 'b'", "two sources have the same name"),
        ("[[endpoint]]\nmodel = 'a'\n[[endpoint]]\nmodel = 'a'", "two endpoints are of the same model"),
        ("[write]\nshortest = 9\nlongest = 8", "longest must be shortest at least"),
        ("[segment]\npreset = 'verfast'", "segment.preset: .*'veryfast'"),
        ("source = []", "source: "),
        ("[segment", "config.toml: "),
    ],
)
def test_mistakes_are_told(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read(tmp_path, text)


def test_a_missing_file_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mmret annotate init"):
        Config.read(tmp_path / "none.toml")


def test_options_stand_over_the_settings() -> None:
    usual = Config()
    wanted = usual.budget.model_copy(update={"max_calls": 3})
    assert usual.changed("budget", max_calls=3, max_cost=None).budget == wanted
    assert usual.changed("export", status=["gold", "pending"]).export.status == ["gold", "pending"]
    with pytest.raises(InputError, match=r"export: split: .*'train', 'dev' or 'test', status\.1: "):
        usual.changed("export", split="exam", status=["gold", "silver"])
