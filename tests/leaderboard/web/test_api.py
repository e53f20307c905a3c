"""The read API of a real server, and what it keeps to itself."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from fastapi.openapi.models import OpenAPI

from mmret.leaderboard.board import Board, signing
from mmret.leaderboard.board.benchmarks import Terms
from mmret.leaderboard.board.states import moderate
from mmret.leaderboard.submissions import Ground, facts_of_benchmark

from . import made
from .conftest import Serve, Served, bearer

EVIL = "=cmd()<script>alert(1)</script>|`x`"


def test_benchmarks_are_listed_in_pages(served: Served) -> None:
    names = [served.benchmark().name for _ in range(3)]
    whole = served.get("benchmarks").json()
    parts = [served.http.get("/api/v1/benchmarks", params={"page": n, "per_page": 2}).json() for n in (1, 2, 99)]
    assert [one["id"] for one in whole["items"]][-3:] == names
    assert whole["total"] == parts[0]["total"] == len(whole["items"])
    assert [one for part in parts for one in part["items"]] == whole["items"][:4]
    assert parts[0]["pages"] == -(-whole["total"] // 2)
    one = served.get(f"benchmarks/{names[0]}").json()
    assert one == whole["items"][-3]
    assert not {"source", "answers_digest"} & one.keys()


def test_the_ground_is_served_whole_in_ranges_or_not_again(served: Served, tmp_path: Path) -> None:
    asked = served.benchmark()
    answer = served.get(f"benchmarks/{asked.name}/ground")
    (tmp_path / "ground.parquet").write_bytes(answer.content)
    assert Ground.load(tmp_path / "ground.parquet").digest == asked.ground_digest
    part = served.get(f"benchmarks/{asked.name}/ground", Range="bytes=4-9")
    assert (part.status_code, part.content) == (206, answer.content[4:10])
    again = served.get(f"benchmarks/{asked.name}/ground", **{"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_rows_are_tagged_sorted_and_in_pages(served: Served, tmp_path: Path) -> None:
    asked, (team, token) = served.benchmark(), served.team()
    path = f"benchmarks/{asked.name}/rows"
    empty = served.get(path)
    for seed in range(3):
        facts = {"model": model(f"model {seed}", parameters=[5, None, 10][seed])}
        served.scored(
            served.send(made.submission(tmp_path / f"{seed}.parquet", asked, seed, **facts), token, asked.name), token
        )
    answer = served.get(path)
    found = answer.json()
    assert [row["model"] for row in empty.json()["items"]] == []
    assert answer.headers["etag"] != empty.headers["etag"]
    assert served.get(path, **{"If-None-Match": f'"x", W/{answer.headers["etag"]}'}).status_code == 304
    assert {row["model"] for row in found["items"]} == {"model 0", "model 1", "model 2"}
    assert {row["team"] for row in found["items"]} == {team}
    values = [row["figures"]["all"]["value"] for row in found["items"]]
    assert values == sorted(values, reverse=True)
    assert all(row["rank"] >= 1 and row["state"] == "verified" for row in found["items"])

    def models(**params: Any) -> list[str]:
        return [row["model"] for row in served.http.get(f"/api/v1/{path}", params=params).json()["items"]]

    assert models(sort="-model") == ["model 2", "model 1", "model 0"]
    assert models(sort="parameters") == ["model 0", "model 2", "model 1"]
    assert models(sort="-parameters") == ["model 2", "model 0", "model 1"]
    assert models(sort="model", page=2, per_page=2) == ["model 2"]
    assert models(track="native-audio") == []
    medians = served.http.get(f"/api/v1/{path}", params={"measure": "MedR", "sort": "-odd"}).json()
    assert (medians["measure"], medians["slices"]) == ("MedR", {"all": 12, "even": 6, "odd": 6})
    for wrong in ({"protocol": "none"}, {"sort": "x"}, {"page": 0}, {"per_page": 10**9}, {"track": "x"}, {"colour": 1}):
        refused = served.http.get(f"/api/v1/{path}", params=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid"), wrong
    assert served.get("benchmarks/none/rows").status_code == 404


def model(name: str, **facts: Any) -> dict[str, Any]:
    return {"name": name, "query": ["text"], "document": ["image"], "track": "no-audio"} | facts


def test_who_sees_a_submission_in_which_state(served: Served, tmp_path: Path) -> None:
    asked, (_, token), (_, other) = served.benchmark(), served.team(), served.team()
    number = served.scored(served.send(made.submission(tmp_path / "a.parquet", asked), token, asked.name), token)["id"]

    def seen(path: str = f"submissions/{number}") -> list[int]:
        return [served.get(path, token).status_code for token in ("", other, token)]

    def ranked() -> int:
        return len(served.get(f"benchmarks/{asked.name}/rows").json()["items"])

    assert (seen(), ranked()) == ([200, 200, 200], 1)
    assert served.get(f"submissions/{number}").json()["reason"] is None
    assert seen(f"submissions/{number}/run") == [403, 403, 200]
    assert served.get(f"submissions/{number}/run", token).content == (tmp_path / "a.parquet").read_bytes()
    for action, state in (("flag", "flagged"), ("hide", "hidden"), ("restore", "flagged"), ("verify", "verified")):
        moderate(served.board, number, action, actor="me", reason="of a reason")
        own = served.get(f"submissions/{number}", token).json()
        assert own["state"] == state
        verified = state == "verified"
        assert (seen(), ranked()) == ([200, 200, 200] if verified else [404, 404, 200], int(verified))
        assert seen(f"submissions/{number}/scores") == seen()
        if not verified:
            assert own["reason"] == "of a reason"
    assert served.get(f"submissions/{number}", "mmret_no").status_code == 401
    withdrawing = [
        served.http.post(f"/api/v1/submissions/{number}/withdraw", headers=bearer(one)).status_code
        for one in ("", other, token, token)
    ]
    assert withdrawing == [401, 403, 200, 409]
    assert served.get(f"submissions/{number}", token).json()["state"] == "withdrawn"
    assert (seen(), ranked()) == ([404, 404, 200], 0)


def test_scores_in_four_forms(served: Served, tmp_path: Path) -> None:
    asked, (_, token) = served.benchmark(), served.team()
    number = served.scored(served.send(made.submission(tmp_path / "a.parquet", asked), token, asked.name), token)["id"]
    plain = served.get(f"submissions/{number}/scores").json()["scores"]
    measures = served.get(f"benchmarks/{asked.name}").json()["measures"]
    assert list(plain[next(iter(plain))]["all"]) == ["n", *measures] != ["n", *sorted(measures)]
    texts = {
        form: served.http.get(f"/api/v1/submissions/{number}/scores", params={"format": form})
        for form in ("csv", "markdown", "latex", "pdf")
    }
    rows = list(csv.DictReader(io.StringIO(texts["csv"].text)))
    assert {(row["protocol"], row["slice"]) for row in rows} == {(name, one) for name in plain for one in plain[name]}
    assert float(rows[0]["value"]) == plain[rows[0]["protocol"]][rows[0]["slice"]][rows[0]["measure"]]["value"]
    assert texts["markdown"].text.startswith("| protocol | slice | n |")
    assert texts["latex"].text.startswith(r"\begin{tabular}")
    assert texts["pdf"].status_code == 422


def test_what_teams_write_stays_text(served: Served, tmp_path: Path) -> None:
    asked, (_, token) = served.benchmark(), served.team()
    facts = {"model": model(EVIL), "notes": EVIL, "organisation": EVIL}
    found = served.scored(
        served.send(made.submission(tmp_path / "a.parquet", asked, **facts), token, asked.name), token
    )
    for path in (f"submissions/{found['id']}", f"benchmarks/{asked.name}/rows", "export"):
        answer = served.get(path)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; sandbox")
        assert json.dumps(EVIL)[1:-1] in answer.text
    scores = served.http.get(f"/api/v1/submissions/{found['id']}/scores", params={"format": "csv"}).text
    assert EVIL not in scores


def test_the_export_is_signed_with_the_key_that_is_told(served: Served) -> None:
    document = served.get("export")
    _, signer = signing.verify(document.content)
    assert served.get("key").json() == {"key": signer}
    assert served.get("export", **{"If-None-Match": document.headers["etag"]}).status_code == 304


def test_labels_and_secrets_are_told_nowhere(served: Served, tmp_path: Path) -> None:
    said_before = len(served.log.read_text())  # other tests ask for forbidden files by their names
    asked, (_, token) = served.benchmark(Terms.usual(hidden=True), queries=120, documents=400), served.team()
    right = [asked.documents[position].id for position in asked.positives.positions]
    whole = made.submission(tmp_path / "a.parquet", asked)
    found = served.scored(served.send(whole, token, asked.name), token)
    texts = [served.send(mangled, token, asked.name).text for mangled in refused_files(whole, asked, tmp_path)]
    number = found["id"]
    paths = [
        f"submissions/{number}",
        *(f"submissions/{number}/scores?format={form}" for form in ("json", "csv", "latex")),
    ]
    paths += ["benchmarks", f"benchmarks/{asked.name}", f"benchmarks/{asked.name}/rows", "export", "none"]
    texts += [served.get(path, one).text for path in paths for one in ("", token)]
    texts += [served.http.get(path).text for path in ("/health", "/metrics", "/openapi.json", "/")]
    texts.append(served.log.read_text()[said_before:])
    assert len(texts) > 20
    assert all(len(text) > 50 for text in texts)
    for text in texts:
        assert not [one for one in right if one in text]
        assert token not in text
        assert token.rsplit("_", 1)[0] + "_" not in text.replace("_…", "")
        assert "pass-in-url" not in text
        assert str(served.board.private.folder) not in text
    figures = [
        figure
        for slices in served.get(f"submissions/{number}/scores").json()["scores"].values()
        for entry in slices.values()
        for name, figure in entry.items()
        if name != "n"
    ]
    assert all(round(one["value"], 3) == one["value"] == one["optimistic"] for one in figures)


def refused_files(whole: Path, asked: Any, folder: Path) -> list[bytes]:
    """A file without the second half of the queries, one with documents of elsewhere, and one that is cut."""
    table = pq.read_table(whole)
    half = folder / "half.parquet"
    pq.write_table(table.slice(0, len(table) // 2).replace_schema_metadata({}), half)
    strange = made.benchmark("strange", queries=120, documents=400)
    other = made.submission(folder / "other.parquet", strange, benchmark=facts_of_benchmark(asked))
    return [half.read_bytes(), other.read_bytes(), whole.read_bytes()[:-20]]


@pytest.mark.parametrize("given", ["private/key", "board.sqlite3", "../board/private/key"])
def test_files_of_the_board_are_not_served(served: Served, given: str) -> None:
    path = served.board.folder / given
    for address in (
        f"/gradio_api/file={path}",
        f"/gradio_api/file={given}",
        f"/gradio_api/file=http://127.0.0.1:{served.port}/health",
        f"/gradio_api/file/{path}",
        f"/gradio_api/proxy=http://127.0.0.1:{served.port}/health",
        f"/static/..%2f..%2f..%2f{path}",
        f"/assets/{path}",
        f"/{path}",
        f"/api/v1/..%2f..%2f{path}",
    ):
        answer = served.http.get(address)
        assert answer.status_code in (403, 404), address
        assert answer.content != (path.read_bytes() if path.is_file() else None)


def test_gradio_takes_no_files(served: Served) -> None:
    answer = served.http.post("/gradio_api/upload", files={"files": ("a.txt", b"x" * 100)})
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_headers_of_pages_and_metrics_and_health(served: Served) -> None:
    page = served.http.get("/")
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    assert "strict-transport-security" not in page.headers
    assert "server" not in page.headers
    health = served.http.get("/health").json()
    assert (health["ok"], health["workers"], health["database"], health["files"]) == (True, 1, True, True)
    metrics = served.http.get("/metrics").text
    assert 'mmret_http_requests_total{method="GET",route="/health",status="200"}' in metrics
    assert "process_resident_memory_bytes" in metrics


def test_each_request_has_a_line_with_its_number(served: Served) -> None:
    answer = served.get("benchmarks/none?token=mmret_01234567_" + "x" * 43)
    line = line_of(served, answer)
    assert (line["path"], line["status"], line["method"]) == ("/api/v1/benchmarks/none", 404, "GET")
    assert "x" * 43 not in served.log.read_text()


def line_of(served: Served, answer: httpx.Response) -> dict[str, Any]:
    """What the log says of the request that was answered so."""
    number = answer.headers["x-request-id"]
    found = served.wait_for(lambda: [one for one in served.logged("request") if one["request"] == number])
    return dict(found[0])


def test_the_description_is_valid_and_names_every_route(served: Served) -> None:
    described = served.http.get("/openapi.json").json()
    OpenAPI.model_validate(described)
    routes = {(path, method) for path, found in described["paths"].items() for method in found}
    assert len(routes) == 13
    text = json.dumps(described)
    for reference in set(text.split('"$ref": "')[1:]):
        name = reference.split('"')[0].removeprefix("#/components/schemas/")
        assert name in described["components"]["schemas"], name
    for path, method in routes:
        told = described["paths"][path][method]
        assert told["description"], path
        if path.startswith("/api/"):
            assert {"422", "429", "503"} <= told["responses"].keys(), path
            assert list(told["responses"]["429"]["content"]) == ["application/problem+json"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_server_with_bounds_behind_a_proxy(serve: Serve, board: Board) -> None:
    served = serve(limits={"requests": 5}, proxies=["127.0.0.1"], frames=["https://example.org"], workers=0)
    came = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    answers = [served.http.get("/api/v1/benchmarks", headers=came) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 12
    assert answers[-1].json()["code"] == "too-many-requests"
    assert answers[0].headers["strict-transport-security"] == "max-age=31536000"
    assert "https://example.org" in answers[0].headers["content-security-policy"]
    assert served.http.get("/api/v1/benchmarks").status_code == 200, "another address"
    assert served.logged("request")[-2]["client"] == "203.0.113.9"
    assert served.http.get("/health").json()["workers"] is None


def test_nobody_is_believed_who_is_no_proxy(served: Served) -> None:
    answer = served.http.get(
        "/api/v1/benchmarks", headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    )
    assert "strict-transport-security" not in answer.headers
    assert line_of(served, answer)["client"] == "127.0.0.1"
