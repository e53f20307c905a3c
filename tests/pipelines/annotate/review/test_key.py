"""A server with a key answers only those who know it."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from mmret.pipelines.annotate.review.key import COOKIE, Guarded


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    app.add_middleware(Guarded, key="s3cret ünd")

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    def page(path: str) -> str:
        return f"page {path}"

    return TestClient(app, base_url="http://here", follow_redirects=False)


def test_nobody_comes_in_without_the_key(client: TestClient) -> None:
    for answer in (
        client.get("/"), client.get("/?key="), client.get("/?key=s3cret"), client.get("/media/1"),
        client.post("/review/vote", json={}), client.get("/", cookies={COOKIE: "s3cret ünd".encode().hex()}),
    ):  # fmt: skip
        assert (answer.status_code, "add ?key=KEY" in answer.text) == (403, True)
        assert "set-cookie" not in answer.headers


def test_the_key_opens_everything_and_leaves_the_address(client: TestClient) -> None:
    answer = client.get("/", params={"key": "s3cret ünd", "reviewer": "Ann & Bob"})
    assert (answer.status_code, answer.headers["location"]) == (303, "./?reviewer=Ann+%26+Bob")
    assert client.get("/a/b", params={"key": "s3cret ünd"}).headers["location"] == "./b"
    said = answer.headers["set-cookie"]
    assert "HttpOnly" in said
    assert "SameSite=lax" in said
    assert "s3cret" not in said
    assert client.get("/?reviewer=Ann").text == '"page "'
    assert client.post("/review/vote").status_code == 200
    assert client.get("/", params={"key": "wrong"}).status_code == 403


def test_each_key_has_cookies_of_its_own(client: TestClient) -> None:
    client.get("/", params={"key": "s3cret ünd"})
    other = FastAPI()
    other.add_middleware(Guarded, key="another")
    assert TestClient(other, cookies=dict(client.cookies)).get("/").status_code == 403
