"""Texts that are nearly the same: word n-grams, MinHash to find pairs, and the exact Jaccard index to be sure of them.

A text's *shingles* are its runs of `WORDS` words; two texts are as alike as the share of shingles that they have in
common (Broder, On the Resemblance and Containment of Documents, 1997). Candidates are pairs whose minima under some
hash functions agree throughout a band (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4); each
candidate is then compared shingle by shingle, so that no pair is reported that is not alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...progress import bar
from ...vectors import offsets_of

WORDS = 3  # of a shingle
BANDS, ROWS = 20, 5  # pairs with a Jaccard index of 0.8 are missed once in 2,800 times, of 0.7 once in 40
SLACK = 0.2  # four standard errors of an index that is estimated from the minima
REACH = 200  # texts of one bucket that a text is compared with
CHUNK = 1 << 16  # pairs looked at together
Pairs = NDArray[np.int64]
Hashes = NDArray[np.uint64]

_word = re.compile(r"\w+")
_random = np.random.default_rng(0)
_BYTES = _random.integers(0, 1 << 63, (64, 256), np.uint64)
_PLACES = _random.integers(0, 1 << 63, WORDS, np.uint64) | np.uint64(1)
_FACTORS = _random.integers(0, 1 << 32, BANDS * ROWS, np.uint32) | np.uint32(1)
_TERMS = _random.integers(0, 1 << 32, BANDS * ROWS, np.uint32)


def normalised(text: str) -> str:
    """The words of a text in one form: compatible characters united, case folded, signs and spaces as one space."""
    return " ".join(_word.findall(unicodedata.normalize("NFKC", text).casefold()))


@dataclass(frozen=True)
class Shingles:
    """The shingles of many texts.

    Parameters
    ----------
    values: uint32, hashes of all shingles, each text's own in ascending order, each once.
    offsets: int64 `(texts + 1,)`, where those of a text begin.
    minima: uint32 `(texts, BANDS * ROWS)`, each text's least hash under every function.
    """

    values: NDArray[np.uint32]
    offsets: NDArray[np.int64]
    minima: NDArray[np.uint32]

    @classmethod
    def of(cls, texts: Sequence[str], *, show: bool = False) -> Self:
        """Shingles of normalised texts; those of fewer than `WORDS` words are one shingle, empty ones none."""
        values: list[NDArray[np.uint32]] = [np.zeros(0, np.uint32)]
        minima = np.empty((len(texts), BANDS * ROWS), np.uint32)
        with bar(len(texts), "shingles", "text", show=show) as progress:
            for text, least in zip(texts, minima, strict=True):
                own = np.unique(_rolled(_hashed(text)))
                least[:] = _minima(own)
                values.append(own)
                progress.update()
        return cls(np.concatenate(values), offsets_of([len(one) for one in values[1:]]), minima)

    def __getitem__(self, text: int) -> NDArray[np.uint32]:
        return self.values[self.offsets[text] : self.offsets[text + 1]]

    @property
    def kept(self) -> NDArray[np.int64]:
        """The texts that have any."""
        return np.flatnonzero(np.diff(self.offsets))

    def similarity(self, pairs: Pairs) -> NDArray[np.float64]:
        """Jaccard index of each pair `(n, 2)`, float64 `(n,)`."""
        found = np.empty(len(pairs))
        for i, (a, b) in enumerate(pairs.tolist()):
            one, other = self[a], self[b]
            common = len(np.intersect1d(one, other, assume_unique=True))
            found[i] = common / (len(one) + len(other) - common)
        return found


def _hashed(text: str) -> Hashes:
    """A hash of each word, `(words,)`: the sum of numbers drawn for each byte and its place in the word."""
    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    if not len(data):
        return np.zeros(0, np.uint64)
    space = data == ord(" ")
    starts = np.concatenate([[0], np.flatnonzero(space) + 1])
    places = np.arange(len(data)) - np.repeat(starts, np.diff(starts, append=len(data)))
    return np.add.reduceat(np.where(space, np.uint64(0), _BYTES[places % len(_BYTES), data]), starts)


def _rolled(words: Hashes) -> NDArray[np.uint32]:
    """One hash for each run of `WORDS` words, or of all where there are fewer."""
    if not len(words):
        return np.zeros(0, np.uint32)
    width = min(WORDS, len(words))
    runs = np.zeros(len(words) - width + 1, np.uint64)
    for place in range(width):
        runs += _mixed(words[place : place + len(runs)] * _PLACES[place])
    return (_mixed(runs) >> np.uint64(32)).astype(np.uint32)


def _mixed(values: Hashes) -> Hashes:
    """Each bit of the result depends on all bits of the value."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    return values ^ (values >> np.uint64(29))


def _minima(shingles: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The least value of the shingles under each function, the largest number there is for no shingles."""
    least = np.full(BANDS * ROWS, np.iinfo(np.uint32).max, np.uint32)
    for start in range(0, len(shingles), 1024):  # what a core's cache holds
        some = shingles[start : start + 1024] * _FACTORS[:, None] + _TERMS[:, None]
        np.minimum(least, some.min(axis=1), out=least)
    return least


def near_pairs(
    first: Sequence[str], second: Sequence[str] | None = None, *, least: float, show: bool = False
) -> Iterator[tuple[int, int, float]]:
    """Pairs of texts whose Jaccard index is at least `least`, with that index, ordered by position.

    Parameters
    ----------
    first: normalised texts (see `normalised`).
    second: others to compare the first with; None compares the first among themselves, each pair once.

    Where more than `REACH` texts fall into one bucket, each is compared with `REACH` of them.
    """
    whole = Shingles.of([*first, *(second or ())], show=show)
    known = whole.kept
    split = len(first)
    left, right = known[known < split], known[known >= split] if second is not None else None
    found = [np.zeros((0, 2), np.int64)]
    with bar(BANDS, "compare", "band", show=show) as progress:
        for band in range(BANDS):
            keys = _keys(whole.minima[:, band * ROWS : (band + 1) * ROWS])
            for pairs in _sharing(keys, left, right):
                close = _estimate(whole.minima, pairs) >= least - SLACK
                found.append(pairs[close])
            progress.update()
    pairs = np.unique(np.concatenate(found), axis=0)
    similarity = whole.similarity(pairs)
    for (a, b), value in zip(
        pairs[similarity >= least].tolist(), similarity[similarity >= least].tolist(), strict=True
    ):
        yield a, b - split if second is not None else b, value


def _estimate(minima: NDArray[np.uint32], pairs: Pairs) -> NDArray[np.float64]:
    """The share of hash functions under which two texts have one minimum: an estimate of their index."""
    return (minima[pairs[:, 0]] == minima[pairs[:, 1]]).mean(axis=1)


def _keys(band: NDArray[np.uint32]) -> Hashes:
    """A number for each text `(texts,)`; texts that agree in all columns share it, others hardly ever."""
    key = np.zeros(len(band), np.uint64)
    for column in band.T:
        key = _mixed(key * np.uint64(3) + column)
    return key


def _sharing(keys: Hashes, left: NDArray[np.int64], right: NDArray[np.int64] | None) -> Iterator[Pairs]:
    """Pairs of a text of `left` and one of `right` (None: a later one of `left`) that share a key, `(n, 2)`."""
    others = left if right is None else right
    others = others[np.argsort(keys[others], kind="stable")]
    ordered = keys[others]
    asked = others if right is None else left
    here = np.arange(len(others)) + 1 if right is None else np.searchsorted(ordered, keys[asked], "left")
    end = np.minimum(np.searchsorted(ordered, keys[asked], "right"), here + REACH)
    while (open_ := np.flatnonzero(here < end)).size:
        asked, here, end = asked[open_], here[open_], end[open_]
        pairs = np.stack([asked, others[here]], axis=1)
        yield from (pairs[start : start + CHUNK] for start in range(0, len(pairs), CHUNK))
        here = here + 1
