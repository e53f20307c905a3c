"""A benchmark of sentences, and two small honest models of words: late interaction, and overlap without vectors."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmret.benchmarks import Benchmark, Ragged
from mmret.encoders import Options, Spec, VectorSets
from mmret.items import Item, Side, text_digest

WORDS = ["red", "dog", "runs", "fast", "on", "wet", "grass", "while", "loud", "music", "plays", "near", "old", "car"]
TEXT = frozenset({"text"})


def wordy(queries: int = 20, documents: int = 30, *, galleries: int | None = None, seed: int = 0) -> Benchmark:
    """Sentences of 1 to 9 words; `galleries`: None = of many sizes, 0 = none, 1 = one shared."""
    random = np.random.default_rng(seed)
    items = [
        [Item(f"{side}{i:04}", text=" ".join(random.choice(WORDS, random.integers(1, 10)))) for i in range(n)]
        for side, n in (("q", queries), ("d", documents))
    ]
    lists = [np.sort(random.permutation(documents)[: random.integers(4, documents + 1)]) for _ in range(queries)]
    if galleries is not None:
        lists = [lists[0] if galleries else np.arange(documents)] * queries
    positives = [random.choice(own, 2, replace=False) for own in lists]
    sources = [next(int(p) for p in own if p not in right) for own, right in zip(lists, positives, strict=True)]
    sources[0] = -1
    return Benchmark(
        name="wordy",
        version="1",
        queries=items[0],
        documents=items[1],
        positives=Ragged.of(positives),
        gains=np.ones(2 * queries),
        galleries=None if galleries == 0 else Ragged.of(lists[:galleries]),
        source=np.array(sources, np.int32),
        slices={"even": np.arange(0, queries, 2)},
    )


class Words:
    """Late interaction: a vector for each word, drawn from the word's digest."""

    spec = Spec("words", "1", TEXT, TEXT, "one hashed vector a word", "Apache-2.0", scoring="maxsim")
    calls = 0

    def __init__(self, options: Options) -> None:
        self.preprocessing: Mapping[str, Any] = {}

    def embed(self, items: Sequence[Item], side: Side) -> VectorSets:
        type(self).calls += 1
        return VectorSets.of([np.stack([self._vector(word) for word in (item.text or "").split()]) for item in items])

    @staticmethod
    def _vector(word: str) -> NDArray[np.float32]:
        return np.random.default_rng(int(text_digest(word), 16)).standard_normal(6).astype(np.float32)


class Overlap:
    """A lexical scorer: the words that a query and a document share, rare ones counting more."""

    spec = Spec("overlap", "1", TEXT, TEXT, "shared words, weighed by rarity", "Apache-2.0", scoring="pairs")
    indexed: Sequence[Item]
    shapes: list[tuple[int, int]]

    def __init__(self, options: Options) -> None:
        self.preprocessing: Mapping[str, Any] = {}
        type(self).shapes = []

    def index(self, documents: Sequence[Item]) -> None:
        type(self).indexed = documents
        self._frequency = Counter(word for item in documents for word in set((item.text or "").split()))

    def score(self, queries: Sequence[Item], documents: Sequence[Item]) -> NDArray[np.float64]:
        type(self).shapes.append((len(queries), len(documents)))
        return np.array([[self.pair(query, document) for document in documents] for query in queries])

    def pair(self, query: Item, document: Item) -> float:
        shared = set((query.text or "").split()) & set((document.text or "").split())
        return math.fsum(1 / self._frequency[word] for word in shared)
