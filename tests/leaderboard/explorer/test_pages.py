"""The explorer's pages in a real browser, from a real server; and what they are made of."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from mmret.benchmarks import load_benchmark
from mmret.encoders.captioners import CaptionStore, identity
from mmret.encoders.captioners.given import GivenCaptions
from mmret.errors import InputError
from mmret.evaluation import Settings, evaluate
from mmret.leaderboard.explorer import Study
from mmret.leaderboard.explorer.browse import select
from mmret.leaderboard.explorer.live import Live
from mmret.leaderboard.explorer.pages import actions, page
from mmret.leaderboard.explorer.pages.captions import Captions
from mmret.leaderboard.explorer.pages.scene import Scene
from mmret.leaderboard.explorer.pages.state import State
from mmret.leaderboard.explorer.pages.words import marked
from mmret.leaderboard.explorer.server import create_app
from mmret.leaderboard.explorer.votes import Votes
from mmret.meter import Meter
from mmret.serving.local import LOCAL
from mmret.serving.media import MediaShelf

from ...browsing import Open, Visitor
from .conftest import name_models
from .served import ask, served

EVIL = "<img src=x onerror=document.title='broken'>${7*7}{{7*7}} and a \"violin\""
PHONE = 360


@pytest.fixture(scope="module", autouse=True)
def named() -> Iterator[None]:
    """The models of these tests can be named, also by a server that serves all of them."""
    with pytest.MonkeyPatch.context() as patch:
        name_models(patch)
        yield


@pytest.fixture(scope="module")
def clip_scene(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[Scene]:
    """omnicvr-mini by "random" and "echo", one query of which holds HTML."""
    found = load_benchmark("omnicvr-mini")
    queries = [replace(item, text=EVIL) if item.id == "q002" else item for item in found.queries]
    benchmark = replace(found, queries=queries)
    settings = Settings(cache=cache, workers=1, cost_items=0)
    study = Study.of([evaluate(benchmark, name, settings) for name in ("random", "echo")], lambda _: benchmark)
    votes = Votes(tmp_path_factory.mktemp("votes") / "votes.jsonl", benchmark)
    with Live(study, settings) as live:
        yield Scene(study, MediaShelf(benchmark.documents), votes, live)


@pytest.fixture(scope="module")
def table_scene(tables: Study, cache: Path) -> Iterator[Scene]:
    with Live(tables, Settings(cache=cache, workers=1, cost_items=0)) as live:
        yield Scene(tables, MediaShelf(tables.benchmark.documents), None, live)


@pytest.fixture(scope="module")
def clip_address(clip_scene: Scene) -> Iterator[str]:
    with served(lambda: create_app(clip_scene, hosts=LOCAL)) as address:
        yield address


@pytest.fixture(scope="module")
def table_address(table_scene: Scene) -> Iterator[str]:
    with served(lambda: create_app(table_scene, hosts=LOCAL)) as address:
        yield address


@pytest.fixture
def visit(visitor: Visitor) -> Open:
    """Opens an address."""
    return lambda address, query="", **looks: visitor.open(f"http://{address}/{query}", ".explorer h1", **looks)


def rows(page: Page) -> list[str]:
    """The ids of the list."""
    return [str(row.get_attribute("data-row")) for row in page.locator("a[data-row]").all()]


def top(page: Page, letter: str) -> list[str]:
    """The ids of the documents that a system puts first."""
    return page.locator(f"section[aria-labelledby=x-answer-{letter}] > .top").first.locator(".id").all_inner_texts()


def chosen(scene: Scene, **wanted: Any) -> list[str]:
    facts = scene.study.facts("gallery")
    return [facts.benchmark.queries[i].id for i in select(facts, **wanted).tolist()]


def test_clips_play_one_at_a_time(visit: Open, clip_address: str) -> None:
    page = visit(clip_address, "?query=q001")
    source, target = (page.locator(f"[data-play={which}] video") for which in ("source", "target"))
    expect(source).to_have_attribute("poster", re.compile("/still$"))
    source.click()
    page.wait_for_function("video => video.currentTime > 0.3 && video.videoWidth > 0", arg=source.element_handle())
    assert not source.evaluate("video => video.muted")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    page.wait_for_function("video => video.currentTime > 0.1", arg=target.element_handle())
    assert source.evaluate("video => video.paused")


def test_a_clip_that_the_keyboard_comes_to_plays_without_sound(visit: Open, clip_address: str) -> None:
    page = visit(clip_address, "?query=q001")
    clip = page.locator("section[aria-labelledby=x-answer-A] video").first
    page.locator("[data-play=target] button").focus()
    page.keyboard.press("Tab")
    assert clip.evaluate("video => video === document.activeElement")
    page.wait_for_function("video => video.currentTime > 0.1", arg=clip.element_handle())
    assert clip.evaluate("video => video.muted")
    page.keyboard.press("Enter")
    assert not clip.evaluate("video => video.muted")


def test_posters_and_sounds_are_drawn(visit: Open, clip_address: str) -> None:
    page = visit(clip_address, "?query=q001")
    page.wait_for_function("document.querySelector('.asked img.sound').naturalWidth === 360")
    link = str(page.locator("[data-play=source] video").get_attribute("src"))
    status, headers, body = ask(clip_address, f"{link}/still")
    assert (status, headers["content-type"], body[8:12]) == (200, "image/webp", b"WEBP")
    assert ask(clip_address, f"{link}/other")[0] == 422
    assert ask(clip_address, "/media/0123456789abcdef/still")[0] == 404


def test_the_list_filters_and_sorts(visit: Open, clip_address: str, clip_scene: Scene) -> None:
    page = visit(clip_address)
    expect(page.locator(".list [role=status]")).to_have_text("150 queries")
    page.get_by_role("combobox", name="Queries").select_option("A is wrong")
    page.get_by_role("combobox", name="Sorted by").select_option("rank with A")
    page.get_by_text("Slices, protocol and more").click()
    page.get_by_role("checkbox", name="integrated").check()
    wanted = chosen(clip_scene, kind="wrong", sort="rank", slices=["integrated"])
    expect(page.locator(".list [role=status]")).to_have_text(f"{len(wanted)} queries")
    assert rows(page) == wanted[:50]
    page.get_by_role("searchbox").fill("violin")
    few = chosen(clip_scene, kind="wrong", sort="rank", slices=["integrated"], text="violin")
    expect(page.locator(".list [role=status]")).to_have_text(re.compile(f"^{len(few)} quer"))
    assert rows(page) == few
    assert {"kind=wrong", "sort=rank", "slice=integrated", "text=violin"} <= set(page.url.partition("?")[2].split("&"))
    assert page.get_by_role("searchbox").evaluate("field => field === document.activeElement")


def test_two_systems_stand_side_by_side(visit: Open, clip_address: str, clip_scene: Scene) -> None:
    page = visit(clip_address, "?query=q005&k=5&system=echo&versus=random")
    facts = clip_scene.study.facts("gallery")
    for letter, system in (("A", 1), ("B", 0)):
        listing = facts.listing(system, 4, 200)
        assert listing is not None
        assert top(page, letter) == [facts.benchmark.documents[hit.document].id for hit in listing.top[:5]]
        right = listing.right[0]
        mark = page.locator(f"section[aria-labelledby=x-answer-{letter}] figure.right")
        expect(mark.locator(".place")).to_have_text(f"{right.rank:g}")
        expect(mark.locator(".id")).to_have_text(facts.benchmark.documents[right.document].id)
    echoed = page.locator("section[aria-labelledby=x-answer-A] figure.source")
    expect(echoed.locator(".place")).to_have_text("1")
    expect(page.locator("section[aria-labelledby=x-answer-A] p").first).to_contain_text("the source is before it")


def test_where_the_run_does_not_say_the_page_says_so(visit: Open, clip_address: str) -> None:
    page = visit(clip_address, "?protocol=global")
    expect(page.locator(".answer").first).to_contain_text("of this one ranks alone are known")


def test_a_link_restores_the_state_and_keys_step(visit: Open, clip_address: str, clip_scene: Scene) -> None:
    page = visit(clip_address, "?kind=wrong&system=echo&sort=gap&sheet=2")
    wanted = chosen(clip_scene, kind="wrong", system="echo", sort="gap")
    assert rows(page) == wanted[50:100]
    detail = page.locator("[data-part=detail]")
    expect(detail).to_have_attribute("data-query", wanted[50])
    page.keyboard.press("j")
    expect(detail).to_have_attribute("data-query", wanted[51])
    for key, there in (("ArrowLeft", wanted[50]), ("k", wanted[49])):
        page.keyboard.press(key)
        expect(detail).to_have_attribute("data-query", there)
    assert rows(page) == wanted[:50]
    expect(page.locator("a[aria-current=true]")).to_have_attribute("data-row", wanted[49])
    again = visit(clip_address, "?" + page.url.partition("?")[2])
    expect(again.locator("[data-part=detail]")).to_have_attribute("data-query", wanted[49])
    assert rows(again) == wanted[:50]
    expect(again.get_by_role("combobox", name="Sorted by")).to_have_value("gap")
    page.go_back()
    expect(detail).to_have_attribute("data-query", wanted[50])


def test_html_in_a_text_shows_as_text(visit: Open, clip_address: str) -> None:
    page = visit(clip_address, "?query=q002&text=onerror")
    assert page.locator("blockquote").inner_text() == EVIL
    assert page.locator(".explorer img[src=x]").count() == 0
    assert "broken" not in page.title()
    wrong = visit(clip_address, "?system=%3Cimg%20src%3Dx%3E")
    expect(wrong.get_by_role("alert")).to_contain_text("unknown system '<img src=x>'")


def test_votes_are_cast_counted_and_taken_back(visit: Open, clip_address: str, clip_scene: Scene) -> None:
    assert clip_scene.votes is not None
    page = visit(clip_address, "?query=q007&k=5")
    name = page.locator(
        "section[aria-labelledby=x-answer-A] figure:has([data-vote='also right']) .id"
    ).first.inner_text()
    page.locator(f"section[aria-labelledby=x-answer-A] [data-document={name}]").click()
    page.get_by_role("textbox", name="Why").fill("<b>it barks too</b>")
    page.get_by_role("textbox", name="Your name").fill("Ada")
    page.get_by_role("button", name="Keep this vote").click()
    expect(page.locator(".votes li")).to_contain_text("<b>it barks too</b> – Ada")
    assert [(one.query, one.document, one.verdict) for one in clip_scene.votes.tally()] == [
        ("q007", name, "also right")
    ]
    assert ask(clip_address, "/votes/qrels")[2].decode().splitlines()[1:] == [f"q007\t{name}\t1"]

    labels = visit(clip_address, "?tab=labels&figures=yes")
    expect(labels.locator("tbody").first).to_contain_text("it barks too")
    expect(labels.locator("table").last).to_contain_text("1 change applied")
    old, new = re.findall(
        r"[\d.]+", labels.locator("table").last.locator("tbody tr").first.locator("td").nth(4).inner_text()
    )
    assert float(new) > float(old)

    page.get_by_role("button", name="undo").click()
    expect(page.locator(".votes li")).to_have_count(0)
    assert clip_scene.votes.tally() == []
    assert len(clip_scene.votes.all()) == 2


def test_a_vote_that_labels_contradict_is_refused_in_words(clip_address: str) -> None:
    assert (
        post(clip_address, "/votes", {"query": "q001", "document": "c999", "verdict": "also right", "by": "A"})[0]
        == 400
    )


def post(address: str, path: str, body: object, **headers: str) -> tuple[int, str]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = httpx.post(
        f"http://{address}{path}", content=content, headers={"Content-Type": "application/json"} | headers
    )
    return answer.status_code, answer.text


def test_other_sites_cannot_write(clip_address: str, clip_scene: Scene) -> None:
    ballot = {"query": "q001", "document": "c001", "verdict": "also right", "reason": "x", "by": "x"}
    assert post(clip_address, "/votes", ballot, Origin="https://evil.example")[0] == 403
    assert post(clip_address, "/live?ask=x&model=random", b"", Origin="null")[0] == 403
    assert ask(clip_address, "/gradio_api/file=/etc/passwd")[0] == 404
    assert post(clip_address, "/gradio_api/upload", b"x")[0] == 404


def test_a_live_query_of_text(visit: Open, clip_address: str, clip_scene: Scene) -> None:
    assert clip_scene.live is not None
    page = visit(clip_address, "?tab=live")
    page.get_by_role("textbox", name="Question").fill("a dog barks")
    page.get_by_role("combobox", name="Model").select_option("random")
    page.get_by_role("button", name="Search 144 documents").click()
    expect(page.locator(".found h2")).to_have_text("Found by random")
    search = clip_scene.live.search("random")
    found = search.search(search.item("a dog barks"), k=10)
    ids = [clip_scene.study.benchmark.documents[i].id for i in found.documents.tolist()]
    assert page.locator(".found .id").all_inner_texts() == ids
    again = visit(clip_address, "?" + page.url.partition("?")[2])
    expect(again.locator(".found .id")).to_have_text(ids)


def test_a_live_query_of_a_picture_and_weights(
    visit: Open, clip_address: str, clip_scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert clip_scene.live is not None
    monkeypatch.setattr(actions.tempfile, "tempdir", str(tmp_path / "uploads"))
    (tmp_path / "uploads").mkdir()
    picture = tmp_path / "cat.png"
    Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(picture)
    page = visit(clip_address, "?tab=live&model=random")
    page.get_by_label("Picture, clip or sound").set_input_files(picture)
    page.get_by_role("textbox", name="Question").fill("the same in blue")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".found h2")).to_be_visible()
    page.get_by_role("slider", name="text").fill("0")
    expect(page.get_by_role("checkbox", name="weigh")).to_be_checked()
    search = clip_scene.live.search("random")
    found = search.search(search.item("", picture), {"image": 1.0}, k=10)
    ids = [clip_scene.study.benchmark.documents[i].id for i in found.documents.tolist()]
    expect(page.locator(".found .id")).to_have_text(ids)
    assert "w_text=0" in page.url
    assert list((tmp_path / "uploads").iterdir()) == []


def test_what_cannot_be_searched_is_told(
    visit: Open, clip_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = visit(clip_address, "?tab=live&model=echo&ask=x")
    expect(page.locator(".found .notice")).to_contain_text("echo reads video of a query and is given none of it")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no clip" * 50)
    page.get_by_label("Picture, clip or sound").set_input_files(broken)
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".found .notice")).to_contain_text("query.mp4:")
    monkeypatch.setattr(actions, "LARGEST", 100)
    status, words = post(clip_address, "/live?tab=live&model=random", bytes(200))
    assert (status, "may have" in words) == (400, True)


def test_a_query_of_the_benchmark_is_asked_live(visit: Open, clip_address: str) -> None:
    page = visit(clip_address, "?query=q005&system=echo")
    page.get_by_role("link", name="ask it live").click()
    page.get_by_role("combobox", name="Model").select_option("echo")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".found h2")).to_have_text("Found by echo")
    source = page.locator(".found .id").first.inner_text()
    page.get_by_role("link", name="Queries").click()
    expect(page.locator("[data-play=source] .id")).to_have_text(source)


def test_a_table_is_looked_at_beside_its_text(visit: Open, table_address: str, table_scene: Scene) -> None:
    page = visit(table_address, "?system=bm25+%5Btitle%3Dtext%2Ccontent%3Dnative%5D&query=q002")
    page.locator("[data-play=target] a.sheet").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("mark").first).to_be_visible()
    assert {"ngc", "m51"} <= {word.lower() for word in dialog.locator("mark").all_inner_texts()}
    expect(dialog.get_by_role("heading", name="Native text")).to_be_visible()
    expect(dialog.get_by_role("heading", name="Text read off the picture")).to_be_visible()
    picture = dialog.locator("img")
    page.wait_for_function("image => image.naturalWidth > 0", arg=picture.element_handle())
    before = picture.evaluate("image => image.clientWidth")
    dialog.get_by_role("slider").fill("200")
    assert picture.evaluate("image => image.clientWidth") == pytest.approx(2 * before, abs=2)
    assert "look=" in page.url
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert "look=" not in page.url
    expect(page.get_by_role("navigation", name="Pages", exact=True)).not_to_contain_text("Labels")


def test_summaries_are_drawn_and_lead_to_queries(visit: Open, clip_address: str) -> None:
    page = visit(clip_address, "?tab=summaries&protocol=gallery-no-source")
    expect(page.locator("svg[role=img]")).to_have_count(3)
    page.get_by_role("combobox", name="Measure").select_option("MRR")
    expect(page.get_by_role("heading", name="MRR by slice")).to_be_visible()
    first = page.locator(".telling a").first
    name = first.inner_text()
    first.click()
    expect(page.locator("[data-part=detail]")).to_have_attribute("data-query", name)
    expect(page.get_by_text("protocol gallery-no-source", exact=False).first).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("tab", ["queries", "summaries", "live", "labels"])
def test_a_phone_shows_all_and_everything_has_a_name(visit: Open, clip_address: str, tab: str, dark: bool) -> None:
    page = visit(clip_address, f"?tab={tab}", width=PHONE, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    controls = page.locator(".explorer :is(a, button, input, select, textarea, video, dialog, svg[role])")
    nameless = controls.evaluate_all(
        """all => all.filter((one) => one.type !== "hidden" && !(one.ariaLabel || one.labels?.length
            || one.getAttribute("aria-labelledby") || one.textContent.trim())).map((one) => one.outerHTML)"""
    )
    assert nameless == []
    ink, paper = page.evaluate(
        "[getComputedStyle(document.querySelector('.explorer')).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert contrast(ink, paper) > 7


def contrast(first: str, second: str) -> float:
    """Ratio of two colours (WCAG 2.2)."""

    def light(colour: str) -> float:
        shares = np.array([float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3]])
        linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    dark, bright = sorted([light(first), light(second)])
    return (bright + 0.05) / (dark + 0.05)


def test_the_next_query_is_made_in_time(clip_scene: Scene) -> None:
    page(clip_scene, "")
    start = time.perf_counter()
    for name in ("q010", "q020", "q030"):
        assert name in page(clip_scene, f"?query={name}&kind=wrong&sort=gap")
    assert (time.perf_counter() - start) / 3 < 0.3


def test_a_state_is_its_address() -> None:
    state = State(slice=("a b", "c&d"), text="ünï", reverse=True, sheet=3, weigh=True, w_audio=0.5)
    assert State.parse(state.link()) == state
    assert State().link() == "?"
    assert State.parse("?text=is it?&k=5") == State(text="is it?", k=5)
    for address, words in (
        ("kind=rigth", "unknown kind 'rigth'; known: a_right_b_wrong"),
        ("k=0", "a whole number from 1 to 200"),
        (f"k={'9' * 5000}", "a whole number from 1 to 200"),
        ("sheet=two", "a whole number"),
        ("w_text=heavy", "must be a number"),
        ("&".join(["slice=x"] * 201), "more than 200 fields"),
        ("id=a%00", "no text"),
    ):
        with pytest.raises(InputError, match=words):
            State.parse(address)


def test_words_of_the_query_are_marked_and_the_rest_escaped() -> None:
    assert marked("Is <b>NGC</b> 5194 the ngc?", "What is the NGC number") == (
        "Is &lt;b&gt;<mark>NGC</mark>&lt;/b&gt; 5194 the <mark>ngc</mark>?"
    )


def test_captions_are_those_that_a_model_read(clip_scene: Scene, tmp_path: Path) -> None:
    given = tmp_path / "given.jsonl"
    documents = clip_scene.study.benchmark.documents[:2]
    lines = [{"id": f"{item.id}.mp4", "caption": f"<i>{item.id}</i> hums"} for item in documents]
    given.write_text("".join(json.dumps(line) + "\n" for line in lines))
    captioner = GivenCaptions(given)
    media = [item.audio for item in documents if item.audio is not None]
    CaptionStore(tmp_path, captioner, Meter()).captions(media, lambda _: None)
    record = copy.deepcopy(dict(clip_scene.study.systems[1].result.record))
    record["settings"]["resolved"]["preprocessing"] = {"written_by": identity(captioner)}
    results = [clip_scene.study.systems[0].result, replace(clip_scene.study.systems[1].result, record=record)]
    captions = Captions.of(Study.of(results, clip_scene.study.load), tmp_path)
    told = captions.told(media[0])
    assert [(one.captioner, one.words) for one in told] == [(captioner.name, f"<i>{documents[0].id}</i> hums")]
    assert captions.told(None) == []
    scene = replace(clip_scene, captions=captions)
    assert f"&lt;i&gt;{documents[0].id}&lt;/i&gt; hums" in page(scene, f"?look={documents[0].id}")
