"""The page in a real browser, from a real server: people at work, a server that is killed, what others may not do."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page, Route, expect
from typer.testing import CliRunner

from mmret.cli.annotate import app as annotate
from mmret.pipelines.annotate.project import Project
from mmret.pipelines.annotate.records import Instruction
from mmret.pipelines.annotate.report import report
from mmret.pipelines.annotate.review import open_desk
from mmret.pipelines.annotate.review.server import create_app
from mmret.pipelines.annotate.verify import Findings
from mmret.serving.local import LOCAL

from ....browsing import Open, Visitor
from ....leaderboard.explorer.served import ask, served
from .projects import PAIRS, VERDICT, WRONG, opened

EVIL = "<img src=x onerror=document.title='broken'>${7*7}{{7*7}} and \"more\""
KEY = "s3cret"
PHONE = 360


@pytest.fixture
def visit(visitor: Visitor) -> Open:
    """Opens the page of an address as a person of its own; `heard` takes all that the server says of items."""

    def opened_at(address: str, *, heard: list[str] | None = None, **looks: Any) -> Page:
        def listen(page: Page) -> None:
            if heard is not None:
                page.route("**/review/*", lambda route: overhear(route, heard))

        return visitor.open(f"http://{address}", ".review h1", alone=True, before=listen, **looks)

    return opened_at


def overhear(route: Route, heard: list[str]) -> None:
    try:
        answer = route.fetch()
    except BrowserError:  # the server is gone
        route.abort()
        return
    heard.append(answer.text())
    route.fulfill(response=answer)


def enter(page: Page, name: str) -> None:
    page.get_by_label("Your name").fill(name)
    page.keyboard.press("Enter")
    page.locator("article").wait_for()


def item_of(page: Page) -> str | None:
    return page.locator("article").get_attribute("data-item")


def press(page: Page, key: str) -> None:
    """Press a key that leads to another item."""
    item = item_of(page)
    page.keyboard.press(key)
    expect(page.locator(f'article[data-item="{item}"]')).to_have_count(0)


@contextmanager
def started(config: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server of its own, and its address."""
    command = [sys.executable, "-m", "mmret", "annotate", "review", str(config), "--port", "0"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | {"MMRET_REVIEW_KEY": KEY}
    ) as process:
        try:
            assert process.stderr is not None
            found = next(found for line in process.stderr if (found := re.search(r"serving http://([^/]+)/", line)))
            yield process, found[1]
        finally:
            process.kill()


def test_two_people_review_a_project_while_its_server_is_killed(visit: Open, config: Path) -> None:
    project = opened(config)
    right = {one.case.id: one.right for one in Findings(project).human_controls}
    heard: list[str] = []

    def key(page: Page) -> str:
        """Ann knows the controls and turns down two triplets, Bob one triplet and nothing else."""
        item = item_of(page) or ""
        return "r" if item == WRONG or (page is ann and not right.get(item, item != PAIRS[3])) else "a"

    with started(config) as (process, address):
        assert httpx.get(f"http://{address}").status_code == 403
        ann, bob = (visit(f"{address}/?key={KEY}", heard=heard) for _ in range(2))
        enter(ann, "Ann")
        enter(bob, "Bob")
        first = item_of(bob)
        press(bob, key(bob))
        press(bob, "u")
        assert item_of(bob) == first
        press(bob, "s")
        for _ in range(2):
            for page in (ann, bob):
                assert item_of(ann) != item_of(bob)
                press(page, key(page))
        kept = Findings(project).votes
        assert len(kept) == 4
        ann.keyboard.press(key(ann))  # whether this vote is kept nobody knows
        process.kill()
        process.wait()
        bob.keyboard.press(key(bob))
        expect(ann.locator(".desk[aria-busy]")).to_have_count(0)
        expect(bob.get_by_role("alert")).to_contain_text("The server does not answer")
    assert Findings(project).votes[:4] == kept

    with (
        open_desk(project) as desk,
        served(lambda: create_app(desk, project, hosts=LOCAL, key=KEY), int(address.partition(":")[2])),
    ):
        while item_of(ann) or item_of(bob):
            for page in (ann, bob):
                press(page, key(page) if item_of(page) else "n")
        expect(ann.locator(".text")).to_contain_text("Nothing is left for you now")
        votes = Findings(project).votes
        assert len(votes) == len({(one.pair, one.reviewer) for one in votes}) == 20
        assert len(heard) > 20
        page_itself = httpx.get(f"http://{address}/?key={KEY}", follow_redirects=True).text
        assert not any(VERDICT in text or "llm:good" in text for text in (*heard, page_itself))
        assert "street-beach" in page_itself
        check_report(config)

        agreement = report(project).agreement
        check_third_person(visit(f"{address}/?reviewer=Cy&key={KEY}", heard=heard), heard)
        found = report(project)
        assert found.gold["gold"] == {"": 5}
        assert found.agreement == agreement  # those who are asked because others disagree say nothing of it
        ann.keyboard.press("n")
        expect(ann.locator(".text")).to_have_text("All items have their votes. Thank you.")


def check_third_person(page: Page, heard: list[str]) -> None:
    """They decide what the others are split on, a triplet and two controls; and their last vote stands once they see
    what the judge says of it."""
    expect(page.locator(".progress")).to_contain_text("7 of 10 items decided")
    for _ in range(3):
        press(page, "a")
    expect(page.locator(".text")).to_have_text("All items have their votes. Thank you.")
    page.keyboard.press("v")
    expect(page.locator(".last li").first).to_contain_text(re.compile(f"llm:good (accepts|rejects) it.*{VERDICT}"))
    assert VERDICT in heard[-1]
    expect(page.locator("[data-act=undo]")).to_have_count(0)
    refused = page.request.post(page.url.partition("?")[0] + "review/undo", data={"reviewer": "Cy"})
    assert (refused.status, "your vote on it stands" in refused.text()) == (409, True)


def check_report(config: Path) -> None:
    """What people said, with what a command prints of it."""
    found = report(opened(config))
    ann, bob = found.people
    assert (ann.votes, ann.accepted, ann.false_accepts.errors, ann.false_rejects.errors) == (6, 4, 0, 0)
    assert (bob.votes, bob.accepted, bob.false_accepts.errors, bob.false_rejects.errors) == (6, 5, 2, 0)
    assert (found.review.enough, found.review.some, found.review.none, found.review.votes) == (6, 0, 0, 12)
    kappa = next(one.found for one in found.agreement if one.measure == "Cohen's kappa")
    assert (kappa.items, kappa.raw) == (6, pytest.approx(5 / 6))
    assert kappa.value == pytest.approx((5 / 6 - 22 / 36) / (1 - 22 / 36))
    assert found.gold == {
        "gold": {"": 4},
        "pending": {"people disagree; one more vote decides": 1},
        "rejected": {"rejected by a judge": 1},
    }
    printed = CliRunner().invoke(annotate, ["report", str(config)], catch_exceptions=False).stdout
    for words in (
        "Progress of people",
        r"enough votes +6 +100\.0%",
        r"Ann, Bob +Cohen's kappa +6 +0\.57",
        r"Bob .* 2 of 2",
    ):
        assert re.search(words, printed), words


@pytest.fixture(scope="module")
def site(_verified: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Project]]:
    """A server whose texts and judges mean harm, and its project."""
    project = opened(Path(shutil.copytree(_verified, tmp_path_factory.mktemp("site") / "made")) / "config.toml")
    with project:
        rows = project.rows("write").values()
        texts = [Instruction(pair=row.id, phrasings=[f"{EVIL} {row.id}", EVIL], made_by="x") for row in rows]
        made = zip(rows, texts, strict=True)
        project.keep("write", [row.model_copy(update={"record": text.model_dump(mode="json")}) for row, text in made])
    with open_desk(project) as desk, served(lambda: create_app(desk, project, hosts=LOCAL)) as address:
        yield address, project


def test_keys_play_clips_and_write_reasons(visit: Open, site: tuple[str, Project]) -> None:
    page = visit(site[0])
    enter(page, "Dan")
    source, target = (page.locator(f'video[data-play="{number}"]').element_handle() for number in (1, 2))
    page.keyboard.press("1")
    page.wait_for_function("clip => clip.currentTime > 0.1", arg=source)
    assert not source.evaluate("clip => clip.muted")
    page.keyboard.press("2")
    page.wait_for_function("clip => clip.currentTime > 0.1", arg=target)
    assert source.evaluate("clip => clip.paused")  # one at a time
    page.keyboard.press("2")
    page.wait_for_function("clip => clip.paused", arg=target)
    page.keyboard.press("b")
    page.wait_for_function("clip => clip.ended", arg=source)
    page.wait_for_function("clip => clip.ended", arg=target)

    item = item_of(page)
    page.keyboard.press("e")
    page.keyboard.type("bears a scar")  # whose letters are no keys
    assert item_of(page) == item
    page.keyboard.press("Enter")
    press(page, "r")
    expect(page.locator(".last")).to_contain_text("Rejected (bears a scar)")
    vote = next(one for one in Findings(site[1]).votes if one.reviewer == "Dan")
    assert (vote.pair, vote.accept, vote.reason) == (item, False, "bears a scar")
    page.keyboard.press("e")
    page.keyboard.type("half")
    page.keyboard.press("Escape")
    page.keyboard.press("v")  # which leaves the item as it is
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    expect(page.get_by_label("Reason")).to_have_value("half")
    assert contrast(page) > 7

    item = item_of(page)
    page.get_by_label("Use them").uncheck()
    page.keyboard.press("a")
    page.get_by_label("Use them").check()
    press(page, "r")  # the only vote of the two
    expect(page.locator(".last")).to_contain_text("Rejected")
    assert [one.accept for one in Findings(site[1]).votes if (one.reviewer, one.pair) == ("Dan", item)] == [False]


def test_on_a_phone_in_the_dark_texts_that_mean_harm_are_texts(visit: Open, site: tuple[str, Project]) -> None:
    page = visit(site[0], width=PHONE, dark=True)
    check_phone(page)
    enter(page, EVIL[:60])
    while item_of(page) not in PAIRS:
        press(page, "s")
    check_phone(page)
    assert page.locator(".text").inner_text() == f"{EVIL} {item_of(page)}"
    assert EVIL[:60] in page.locator(".progress").inner_text()
    press(page, "a")
    page.keyboard.press("v")
    expect(page.locator(".last li").last).to_have_text(EVIL)  # the other phrasing
    check_phone(page)
    assert page.locator(".review img").count() == 0
    assert "broken" not in page.title()
    assert contrast(page) > 7


def check_phone(page: Page) -> None:
    """Nothing is wider than the screen, and everything that can be used has a name."""
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    nameless = """all => all.filter((one) => !(one.ariaLabel || one.labels?.length || one.textContent.trim()))
        .map((one) => one.outerHTML)"""
    assert page.locator(".review :is(button, input, select, video, progress)").evaluate_all(nameless) == []


def contrast(page: Page) -> float:
    """Ratio of text and paper (WCAG 2.2)."""
    colours = page.evaluate(
        "[getComputedStyle(document.querySelector('.text')).color, getComputedStyle(document.body).backgroundColor]"
    )
    lights = []
    for colour in colours:
        shares = [float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3]]
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        lights.append(sum(a * b for a, b in zip(linear, (0.2126, 0.7152, 0.0722), strict=True)))
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def test_only_the_clips_of_the_project_are_served(site: tuple[str, Project]) -> None:
    address, project = site
    page = post(address, "next", {"reviewer": "Gil"}).text
    links = re.findall(r'src="(/media/[0-9a-f]{32})"', page)
    assert len(links) == 2
    status, headers, body = ask(address, links[0], Range="bytes=0-99")
    assert (status, headers["content-type"], len(body)) == (206, "video/mp4", 100)
    secret = project.folder / "state" / "verify.jsonl"
    for path in (
        f"/media/../..{secret}", f"/media/..%2f..{secret}", f"/media/{secret}", f"{links[0]}/../../x", str(secret),
        f"/gradio_api/file={secret}", "/gradio_api/file=/etc/passwd", f"/gradio_api/proxy=http://{address}/",
    ):  # fmt: skip
        status, _, body = ask(address, path)
        assert VERDICT.encode() not in body
        assert b"root:" not in body
        assert status in (200, 403, 404), path
        assert status != 200 or b"review" in body, path  # gradio answers unknown paths with its page
    assert str(project.folder) not in page


def test_what_is_refused(site: tuple[str, Project]) -> None:
    address, project = site
    before = project.votes.read_bytes()
    item = re.findall(r'data-item="(\w+)"', post(address, "next", {"reviewer": "Hal"}).text)[0]
    ballot = {"reviewer": "Hal", "item": item, "accept": True}
    assert post(address, "vote", ballot, Origin="https://evil.example").status_code == 403
    assert post(address, "vote", ballot, Host="evil.example").status_code == 400
    assert post(address, "vote", ballot | {"item": "../../x"}).json() == {
        "detail": "there is no such item; open the page anew"
    }
    for wrong in ({"reviewer": ""}, {"reviewer": "x" * 61}, {"reason": "x" * 1001}, {"reason": "\ud800"}):
        assert post(address, "vote", ballot | wrong).status_code == 409
    for broken in ({"accept": "perhaps"}, {"reviewer": 7}, {"reason": None}):
        assert post(address, "vote", ballot | broken).status_code == 422
    assert post(address, "undo", {"reviewer": "Hal"}).json() == {"detail": "you have no vote to undo"}
    assert project.votes.read_bytes() == before


def post(address: str, route: str, body: object, **headers: str) -> httpx.Response:
    content = json.dumps(body)
    return httpx.post(
        f"http://{address}/review/{route}", content=content, headers={"Content-Type": "application/json"} | headers
    )
