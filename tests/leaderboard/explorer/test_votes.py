from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from mmret.benchmarks import Benchmark, Ragged
from mmret.errors import InputError, RunError
from mmret.evaluation import evaluate, read_qrels, score_run_on
from mmret.leaderboard.explorer import Study
from mmret.leaderboard.explorer.mending import mended, rescored
from mmret.leaderboard.explorer.votes import Tally, Votes, votes_path

from ...evaluation.wordy import wordy

PARTS = ("queries", "documents")
CASTER = """
import sys
from pathlib import Path
from mmret.leaderboard.explorer.votes import Votes
from tests.evaluation.wordy import wordy

benchmark = wordy(galleries=0)
votes = Votes(Path(sys.argv[1]), benchmark)
right = set(benchmark.positives[1].tolist())
wrong = [item.id for i, item in enumerate(benchmark.documents) if i not in right and i != benchmark.source[1]]
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    votes.cast("q0001", wrong[number % len(wrong)], "also right", "x" * 1500, f"{sys.argv[2]} {number}")
    print(number, flush=True)
"""


@pytest.fixture
def benchmark() -> Benchmark:
    return wordy(galleries=0)


@pytest.fixture
def votes(tmp_path: Path, benchmark: Benchmark) -> Votes:
    return Votes(tmp_path / "votes.jsonl", benchmark)


def some(benchmark: Benchmark, query: int) -> tuple[str, str, str]:
    """Ids of a query, of one of its right documents, and of one that no label calls right."""
    right = benchmark.positives[query]
    source = -1 if benchmark.source is None else benchmark.source[query]
    other = next(i for i in range(len(benchmark.documents)) if i not in right and i != source)
    return benchmark.queries[query].id, benchmark.documents[right[0]].id, benchmark.documents[other].id


def test_votes_are_tallied_and_can_be_withdrawn(votes: Votes, benchmark: Benchmark) -> None:
    query, right, other = some(benchmark, 1)
    votes.cast(query, other, "also right", " the same sound ", "Ada")
    votes.cast(query, other, "also right", "I agree", "Bo")
    votes.cast(query, right, "gold is wrong", "<b>a dog</b>", "Ada")
    assert votes.tally() == sorted(
        [
            Tally(query, other, "also right", ["Ada", "Bo"], ["the same sound", "I agree"]),
            Tally(query, right, "gold is wrong", ["Ada"], ["<b>a dog</b>"]),
        ],
        key=lambda one: one.document,
    )
    assert [one.document for one in votes.tally(least=2)] == [other]
    votes.cast(query, other, "withdrawn", "", "Ada")
    assert votes.tally(least=2) == []
    votes.cast(query, other, "also right", "after all", "Ada")
    assert next(one for one in votes.tally() if one.document == other).by == ["Bo", "Ada"]
    assert len(votes.all()) == 5
    assert Votes(votes.path, benchmark).tally() == votes.tally()


def test_votes_that_mean_nothing_are_refused(votes: Votes, benchmark: Benchmark) -> None:
    query, right, other = some(benchmark, 1)
    assert benchmark.source is not None
    source = benchmark.documents[benchmark.source[1]].id
    for asked, words in (
        ((query, right, "also right", "x", "Ada"), "by the labels already"),
        ((query, other, "gold is wrong", "x", "Ada"), "by the labels already"),
        ((query, source, "also right", "x", "Ada"), "is the source of"),
        ((query, other, "withdrawn", "", "Ada"), "no vote on"),
        ((query, "nothing", "also right", "x", "Ada"), "is no document of wordy"),
        (("nothing", other, "also right", "x", "Ada"), "is no query of wordy"),
        ((query, other, "right", "x", "Ada"), "unknown verdict"),
        ((query, other, "also right", "  ", "Ada"), "'reason' has 1 to 2000"),
        ((query, other, "also right", "x" * 2001, "Ada"), "'reason' has 1 to 2000"),
        ((query, other, "also right", "x", ""), "'by' has 1 to 100"),
        ((query, other, "also right", "\ud83d", "Ada"), "'reason' holds half a character"),
    ):
        with pytest.raises(InputError, match=words):
            votes.cast(*asked)
    assert not votes.path.exists()


def test_a_file_of_something_else_is_refused(votes: Votes, benchmark: Benchmark, tmp_path: Path) -> None:
    query, _, other = some(benchmark, 1)
    votes.cast(query, other, "also right", "x", "Ada")
    parts = {part: [replace(one, id=f"new-{one.id}") for one in getattr(benchmark, part)] for part in PARTS}
    renamed = replace(benchmark, **parts)
    with pytest.raises(InputError, match="votes of another benchmark"):
        Votes(votes.path, renamed)
    votes.path.write_text('{"verdict": "also right"}\n')
    with pytest.raises(InputError, match="not a file of votes"):
        Votes(votes.path, benchmark)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be kept"):
        Votes(tmp_path / "file" / "votes.jsonl", benchmark).cast(query, other, "also right", "x", "Ada")


def test_labels_of_another_version_have_votes_of_their_own(clips: Study) -> None:
    assert clips.digest == clips.benchmark.digest
    assert votes_path("a/b", clips.digest) != votes_path("a/b", "0" * 64)
    assert votes_path("a/b", clips.digest).name == f"a--b-{clips.digest[:16]}.jsonl"


def caster(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CASTER, str(path), name, str(count)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def start(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_votes_survive_a_kill_and_two_writers(votes: Votes, benchmark: Benchmark) -> None:
    with caster(votes.path, "first", 100_000) as first, caster(votes.path, "second", 150) as second:
        start(first)
        start(second)
        assert first.stdout is not None
        told = [first.stdout.readline() for _ in range(60)]
        first.kill()
        told += first.stdout.readlines()
        second.communicate(timeout=60)
    assert first.returncode == -signal.SIGKILL
    assert second.returncode == 0
    with votes.path.open("ab") as file:
        file.write(b'{"query": "q0001", "document": "d00')  # what a kill in the middle of a line leaves
    by = [vote.by for vote in votes.all()]
    assert sum(name.startswith("second") for name in by) == 150
    numbers = [int(name.split()[1]) for name in by if name.startswith("first")]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= len(told) >= 60
    query, _, other = some(benchmark, 2)
    assert votes.cast(query, other, "also right", "x", "Ada") == votes.all()[-1]


def test_votes_become_qrels(votes: Votes, benchmark: Benchmark, tmp_path: Path) -> None:
    query, right, other = some(benchmark, 1)
    votes.cast(query, other, "also right", "x", "Ada")
    votes.cast(query, right, "gold is wrong", "x", "Ada")
    (tmp_path / "extra.tsv").write_text(votes.qrels())
    labels = read_qrels(tmp_path / "extra.tsv")
    assert (labels.queries, labels.documents, labels.gains.tolist()) == ([query], [other], [1.0])
    assert f"{query}\t{right}\t0\n" in votes.qrels()
    assert votes.qrels(least=2) == "query-id\tcorpus-id\tscore\n"


def test_ids_that_no_line_of_qrels_can_hold_are_refused(benchmark: Benchmark, tmp_path: Path) -> None:
    broken = replace(benchmark, documents=[replace(one, id=f"{one.id}\tlive") for one in benchmark.documents])
    query, _, other = some(broken, 1)
    votes = Votes(tmp_path / "votes.jsonl", broken)
    votes.cast(query, other, "also right", "x", "Ada")
    with pytest.raises(InputError, match=r"tabs or line breaks cannot stand in qrels: 'd\d+\\tlive'"):
        votes.qrels()


@pytest.mark.parametrize("protocol", ["gallery", "gallery-no-source"])
def test_results_are_rescored_by_the_evaluator(tmp_path: Path, protocol: str) -> None:
    benchmark = wordy()
    result = evaluate(benchmark, "overlap")
    study = Study.of([result], lambda view: benchmark)
    votes = Votes(tmp_path / "votes.jsonl", benchmark)
    name = study.systems[0].name
    same = rescored(study, votes, protocol)
    assert same.old == same.new
    assert same.old[name]["all"]["R@1"] == pytest.approx(result.record["scores"][protocol]["all"]["R@1"])

    facts = study.facts(protocol)
    wrong = next(i for i in np.flatnonzero(facts.rank[0] > 1).tolist() if not facts.source_ahead[0, i])
    listing = facts.listing(0, wrong, 1)
    assert listing is not None
    ids = [item.id for item in benchmark.documents]
    votes.cast(benchmark.queries[wrong].id, ids[listing.top[0].document], "also right", "it is", "Ada")
    lost = int(wrong == 0)  # another query, all of whose labels are wrong
    for document in benchmark.positives[lost].tolist():
        votes.cast(benchmark.queries[lost].id, ids[document], "gold is wrong", "it is not", "Ada")
    outside = 2 if wrong != 2 else 3
    inside = set(benchmark.galleries[outside].tolist()) if benchmark.galleries is not None else set()
    stray = next(i for i in range(len(ids)) if i not in inside)
    votes.cast(benchmark.queries[outside].id, ids[stray], "also right", "it is", "Ada")

    found = rescored(study, votes, protocol)
    assert found.lost == [benchmark.queries[lost].id]
    assert [one.document for one in found.outside] == [ids[stray]]
    assert len(found.applied) == 1 + len(benchmark.positives[lost])
    lists = [one.tolist() for one in benchmark.positives]
    lists[wrong].append(listing.top[0].document)
    kept = [i for i in range(len(lists)) if i != lost]
    asked = benchmark.subset(np.array(kept), np.arange(len(ids)))
    by_hand = replace(
        asked, positives=Ragged.of([lists[i] for i in kept]), gains=np.ones(sum(len(lists[i]) for i in kept))
    )
    expected = score_run_on(result.run, by_hand, protocols=[protocol], unknown="ignore").scores[protocol]
    assert found.new[name] == expected
    assert found.new[name]["all"]["n"] == len(kept)
    assert rescored(study, votes, protocol, least=2).applied == []


def test_where_all_compete_every_document_may_become_right(benchmark: Benchmark) -> None:
    whole = wordy()
    query, _, other = some(whole, 1)
    change = [Tally(query, other, "also right", ["Ada"], ["x"])]
    new = mended(whole, change, "global")
    assert new.applied == change
    assert new.benchmark.galleries is None
    strange = [Tally("nothing", other, "also right", ["Ada"], ["x"])]
    assert mended(whole, strange, "global").outside == strange


def test_a_run_of_other_candidates_cannot_be_rescored(clips: Study, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="random, echo does not hold the candidates of 'global'"):
        rescored(clips, Votes(tmp_path / "votes.jsonl", clips.benchmark), "global")


def test_a_vote_says_when(votes: Votes, benchmark: Benchmark) -> None:
    query, _, other = some(benchmark, 1)
    vote = votes.cast(query, other, "also right", "x", "Ada")
    assert votes.all() == [vote]
    assert datetime.fromisoformat(vote.at).utcoffset() == timedelta(0)
