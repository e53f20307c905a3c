"""The report in a real browser: from a disk, without a network, with pictures, clips and sound."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from typer.testing import CliRunner

from mmret.benchmarks import load_benchmark
from mmret.cli import app
from mmret.errors import InputError, RunError
from mmret.evaluation import Settings, evaluate
from mmret.leaderboard.explorer import Study
from mmret.leaderboard.explorer.report import read_copies, write_report

from ...benchmarks.tarvir_files import write_mini
from ...conftest import write_benchmark, write_clip, write_rows

HOSTILE = "<img src=x onerror=alert(1)><script>document.title='mine'</script> & \"quotes\" </style></svg>"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark of 8 clips, one of them longer than what plays, whose queries try to run a script."""
    made = write_benchmark(tmp_path_factory.mktemp("report") / "small", clips=8)
    write_clip(made / "videos" / "clip-2.mp4", tone=500.0, frames=60, seconds=6.0)
    rows = [json.loads(line) for line in (made / "queries.jsonl").read_text().splitlines()]
    for row in rows:
        row["text"] = f"{HOSTILE} {row['id']}"
    write_rows(made / "queries.jsonl", rows)
    return made


@pytest.fixture(scope="session")
def results(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two results of it."""
    made = tmp_path_factory.mktemp("results")
    benchmark = load_benchmark(str(folder))
    for seed in (1, 2):
        settings = Settings(seed=seed, cost_items=0, workers=1, cache=made / "cache")
        evaluate(benchmark, "random", settings).save(made / str(seed))
    return [made / "1", made / "2"]


@pytest.fixture(scope="session")
def report(folder: Path, results: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(Study.open(results, folder), path, workers=2)
    return path


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    """The report, opened without a network; whatever it asks for or complains of fails the test."""
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 800})
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
    page.on(
        "request",
        lambda request: trouble.append(request.url) if not request.url.startswith(("data:", "blob:")) else None,
    )
    page.goto(report.as_uri())
    trouble.remove(report.as_uri())
    yield page
    context.close()
    assert trouble == []


def test_pictures_show_and_clips_play_with_their_sound(page: Page) -> None:
    shown = page.evaluate(
        "Promise.all([...document.images].map(one => one.decode().then(() => one.naturalWidth, () => 0)))"
    )
    assert len(shown) > 20
    assert set(shown) == {64}
    played = page.evaluate(
        """async () => {
          const found = [];
          for (const video of document.querySelectorAll('video[aria-label^="right"]')) {
            video.playbackRate = 8;
            await video.play();
            await new Promise(done => video.onended = done);
            found.push([video.getAttribute('aria-label'), video.webkitDecodedFrameCount > 5,
                        video.webkitAudioDecodedByteCount > 0, Math.round(video.duration)]);
          }
          return found;
        }"""
    )
    assert sorted(name for name, *_ in played) == [f"right document clip-{i}" for i in range(8)]
    assert all(seen and heard for _, seen, heard, _ in played)
    assert [seconds for name, *_, seconds in played if name.endswith("clip-2")] == [3]


def test_texts_show_as_texts_and_the_page_fits_a_phone(page: Page) -> None:
    queries = [f"{HOSTILE} query-{i}" for i in range(8)]
    assert sorted(page.locator("blockquote").all_text_contents()) == sorted(queries)
    assert page.title() == "Small: random, random (2)"
    assert page.locator("script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0


def test_every_drawing_speaks_and_has_its_table(page: Page) -> None:
    cards = page.locator("#summaries .card")
    assert cards.count() == 4
    for card in cards.all():
        assert card.locator("table").count() == 1
    labels = page.locator("#summaries svg[role=img]").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert len(labels) == 3
    assert all("random (2): " in label for label in labels)


def test_a_table_is_shown_as_its_picture_and_enlarged_by_a_key(browser: Browser, tables: Study, tmp_path: Path) -> None:
    write_report(tables, tmp_path / "tables.html", examples=2, workers=1)
    page = browser.new_page(viewport={"width": 1000, "height": 700})
    page.goto((tmp_path / "tables.html").as_uri())
    picture = page.locator(".row img.sheet").first
    small = picture.evaluate("one => [one.clientWidth, one.naturalWidth > 0]")
    page.locator(".row input").first.press("Space")
    large = picture.evaluate("one => [one.clientWidth, getComputedStyle(one.parentElement).position]")
    assert small[1]
    assert large[0] > small[0]
    assert large[1] == "fixed"
    page.locator(".row input").first.press("Space")
    assert picture.evaluate("one => one.clientWidth") == small[0]
    page.close()


def test_the_page_says_what_the_results_say(report: Path, results: list[Path], folder: Path) -> None:
    study = Study.open(results, folder)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", report.read_text()))
    entries = [system.result.record["scores"]["gallery"]["all"]["MRR"] for system in study.systems]
    for entry in entries:
        assert f"{100 * entry['value']:.1f} {100 * entry['low']:.1f}–{100 * entry['high']:.1f}" in text
    for system in (0, 1):
        for query in range(8):
            assert f"right document at rank {study.facts('gallery').rank[system, query]:.0f}" in text


def test_a_report_is_written_alike_again_and_within_its_size(
    report: Path, results: list[Path], folder: Path, tmp_path: Path
) -> None:
    study = Study.open(results, folder)
    write_report(study, tmp_path / "again.html", workers=1)
    assert (tmp_path / "again.html").read_bytes() == report.read_bytes()
    write_report(study, tmp_path / "bare.html", budget_mb=1.0, workers=1)
    bare = (tmp_path / "bare.html").read_text()
    assert "data:image" not in bare
    assert "left out: the page has reached its size" in bare
    assert len(bare) < 1_000_000


def test_another_protocol_measure_and_one_system(results: list[Path], folder: Path, tmp_path: Path) -> None:
    write_report(Study.open(results[:1], folder), tmp_path / "one.html", protocol="global", measure="mrr", examples=1)
    text = (tmp_path / "one.html").read_text()
    assert "Its run holds other candidates than those of this protocol" in text
    assert "MRR by slice" in text
    assert "Paired tests" not in text
    assert text.count("<article") == 1


def test_what_cannot_be_written_or_is_unknown(results: list[Path], folder: Path, tmp_path: Path) -> None:
    study = Study.open(results, folder)
    with pytest.raises(InputError, match="unknown measure 'R@2'"):
        write_report(study, tmp_path / "report.html", measure="R@2")
    with pytest.raises(InputError, match="unknown protocol 'galery'; did you mean gallery"):
        write_report(study, tmp_path / "report.html", protocol="galery")
    (tmp_path / "taken").mkdir()
    (tmp_path / "file").touch()
    for path, words in (
        (tmp_path / "taken", "taken: is a folder"),
        (Path(), r"^\.: is a folder; name an HTML file"),
        (tmp_path / "file" / "report.html", "file: is a file"),
    ):
        with pytest.raises(InputError, match=words):
            write_report(study, path, examples=0)
    with pytest.raises(RunError, match="the report cannot be written: File name too long"):
        write_report(study, tmp_path / f"{'x' * 250}.html", examples=0)
    assert {path.name for path in tmp_path.iterdir()} == {"taken", "file"}


def test_the_list_of_copies(folder: Path, tmp_path: Path) -> None:
    benchmark = load_benchmark(str(folder))
    path = tmp_path / "copies.jsonl"
    rows: list[dict[str, Any]] = [
        {"first": "clip-1", "second": "clip-7", "reasons": {}},
        {"first": "clip-1", "second": "no"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ids = [item.id for item in benchmark.documents]
    assert read_copies(path, benchmark).tolist() == [[ids.index("clip-1"), ids.index("clip-7")]]
    path.write_text('{"first": "a\u2028b", "second": "c"}\n', encoding="utf-8")  # the end of a line for some
    assert read_copies(path, benchmark).shape == (0, 2)
    path.write_text('{"first": "clip-1", "second": "clip-2"}\n{"first": "clip-1"}\n')
    with pytest.raises(InputError, match=r"copies.jsonl:2: not a line that"):
        read_copies(path, benchmark)
    with pytest.raises(InputError, match=r"gone.jsonl: the list cannot be read: No such file"):
        read_copies(tmp_path / "gone.jsonl", benchmark)


def test_the_command(results: list[Path], folder: Path, tmp_path: Path) -> None:
    (tmp_path / "copies.jsonl").write_text("")
    arguments = ["report", *map(str, results), "-o", str(tmp_path / "new" / "report.html"), "--data", str(folder)]
    options = ["--examples", "2", "--duplicates", str(tmp_path / "copies.jsonl"), "--workers", "1"]
    found = CliRunner().invoke(app, [*arguments, *options])
    assert found.exit_code == 0, found.output
    assert (tmp_path / "new" / "report.html").read_text().count("<article") == 2
    assert found.stdout == ""
    assert "report.html (" in found.stderr


def test_the_command_reads_the_benchmark_as_it_was_evaluated(tmp_path: Path) -> None:
    tables = str(write_mini(tmp_path / "tables"))
    asked = load_benchmark(tables, view="title=text,content=native", provenance=["human"])
    evaluate(asked, "random", Settings(cost_items=0, workers=1, cache=tmp_path / "cache")).save(tmp_path / "result")
    arguments = ["report", str(tmp_path / "result"), "-o", str(tmp_path / "report.html"), "--data", tables]
    assert isinstance(CliRunner().invoke(app, arguments).exception, InputError)
    found = CliRunner().invoke(app, [*arguments, "--provenance", "human"])
    assert found.exit_code == 0, found.output
