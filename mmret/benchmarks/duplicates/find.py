"""Which documents are the same, or nearly: by page, title, words and looks. No model is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ...errors import InputError
from ...items import NO_CONTENT, Media
from ...media import Fault, Workers, digest_all
from ...progress import bar
from .pictures import BITS, DISTANCE, Hashes, near_hashes, picture_hash
from .texts import near_pairs, normalised

Reason = Literal["question", "page", "title", "text", "near text", "picture", "near picture"]


@dataclass(frozen=True)
class Record:
    """What is compared of a document, or of a query.

    Parameters
    ----------
    id: its name.
    title: "" where it has none; upper and lower case, signs and spaces make no difference, as in all texts here.
    page: the page that it stands on, as a name or an address; "" where that is unknown.
    text: all its words.
    image: its picture.
    """

    id: str
    title: str = ""
    page: str = ""
    text: str = ""
    image: Media | None = None


@dataclass(frozen=True)
class Match:
    """Two records that are alike.

    Parameters
    ----------
    first, second: ids.
    reasons: how they are alike → how much, 1 for equal: the Jaccard index of near texts, the share of equal bits of
        near pictures.
    """

    first: str
    second: str
    reasons: Mapping[Reason, float]

    def describe(self) -> dict[str, Any]:
        """Plain values."""
        return {"first": self.first, "second": self.second, "reasons": dict(self.reasons)}


@dataclass(frozen=True)
class Matches:
    """What was found: pairs ordered by position, and the pictures that could not be looked at, with the reason."""

    pairs: list[Match]
    unreadable: dict[str, str] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Reason → number of pairs."""
        found: dict[str, int] = defaultdict(int)
        for pair in self.pairs:
            for reason in pair.reasons:
                found[reason] += 1
        return dict(found)


@dataclass(frozen=True)
class Likeness:
    """When two records count as nearly the same.

    Parameters
    ----------
    jaccard: least Jaccard index of their word 3-grams.
    bits: most bits, of 256, in which the hashes of their pictures differ.
    """

    jaccard: float = 0.8
    bits: int = DISTANCE

    def __post_init__(self) -> None:
        if not 0.5 <= self.jaccard <= 1:
            raise InputError(f"the least Jaccard index must be between 0.5 and 1, not {self.jaccard}")
        if not 0 <= self.bits <= 64:
            raise InputError(f"pictures may differ in 0 to 64 bits, not {self.bits}")


def leaks(
    test: Sequence[Record],
    train: Sequence[Record],
    likeness: Likeness,
    workers: Workers,
    cache: Path | None = None,
    *,
    show: bool = False,
) -> Matches:
    """All pairs of a test and a training document that are alike in page, title, words or looks."""
    found = _Found(test, train)
    found.equal("page", [[normalised(one.page) for one in side] for side in found.sides])
    found.equal("title", [[normalised(one.title) for one in side] for side in found.sides])
    found.texts(likeness.jaccard, show=show)
    found.pictures(likeness.bits, workers, cache, show=show)
    return found.matches()


def duplicates(
    records: Sequence[Record], likeness: Likeness, workers: Workers, cache: Path | None = None, *, show: bool = False
) -> Matches:
    """Pairs of one corpus that are alike in words or looks; of those that are equal, each with the first of them."""
    found = _Found(records)
    found.texts(likeness.jaccard, show=show)
    found.pictures(likeness.bits, workers, cache, show=show)
    return found.matches()


def same_questions(test: Sequence[Record], train: Sequence[Record]) -> Matches:
    """All pairs of a test and a training query of the same words."""
    found = _Found(test, train)
    found.equal("question", [[normalised(one.text) for one in side] for side in found.sides])
    return found.matches()


class _Found:
    """Gathers pairs: of a record of the first set and one of the second, or of two of the only set."""

    def __init__(self, *sides: Sequence[Record]) -> None:
        self.sides = sides
        self._pairs: dict[tuple[int, int], dict[Reason, float]] = defaultdict(dict)
        self._unreadable: dict[str, str] = {}

    def matches(self) -> Matches:
        """Everything so far."""
        first, second = self.sides[0], self.sides[-1]
        pairs = [Match(first[a].id, second[b].id, reasons) for (a, b), reasons in sorted(self._pairs.items())]
        return Matches(pairs, self._unreadable)

    def equal(self, reason: Reason, keys: Sequence[Sequence[str]]) -> None:
        """Pairs with equal keys, a list of them a set; an empty key is like no other."""
        for pair in _across(*keys) if len(keys) > 1 else _within(keys[0]):
            self._pairs[pair][reason] = 1.0

    def texts(self, least: float, *, show: bool) -> None:
        """Pairs with equal texts, and with a Jaccard index of at least `least`."""
        texts = [[normalised(one.text) for one in side] for side in self.sides]
        self.equal("text", texts)
        rows = [self._rows(side) for side in texts]
        asked = [[side[i] for i in own] for side, own in zip(texts, rows, strict=True)]
        self._near("near text", "text", rows, near_pairs(*asked, least=least, show=show))

    def pictures(self, bits: int, workers: Workers, cache: Path | None, *, show: bool) -> None:
        """Pairs whose pictures are the same file, and whose hashes differ in at most `bits` bits."""
        digest_all([one.image for side in self.sides for one in side if one.image is not None], cache, show=show)
        digests = [[_digest(one.image) for one in side] for side in self.sides]
        self.equal("picture", digests)
        hashes = self._hashes(workers, show=show)
        rows = [self._rows([digest if digest in hashes else "" for digest in side]) for side in digests]
        asked = [
            np.asarray([hashes[side[i]] for i in own], np.uint8).reshape(len(own), BITS // 8)
            for side, own in zip(digests, rows, strict=True)
        ]
        pairs = near_hashes(*asked, distance=bits)
        self._near("near picture", "picture", rows, ((a, b, 1 - bit / BITS) for a, b, bit in pairs))

    def _hashes(self, workers: Workers, *, show: bool) -> dict[str, Hashes]:
        """The hash of each picture that has one, by its digest; what cannot be read is noted."""
        owners: dict[str, Record] = {}
        for one in (record for side in self.sides for record in side if record.image is not None):
            if _digest(one.image):
                owners.setdefault(_digest(one.image), one)
            else:
                self._unreadable[one.id] = f"{one.image}: missing or empty"
        found = {}
        with bar(len(owners), "look at pictures", "file", show=show) as progress:
            outcomes = workers.map(picture_hash, [one.image for one in owners.values()])
            for (digest, one), outcome in zip(owners.items(), outcomes, strict=True):
                if isinstance(outcome, Fault):
                    self._unreadable[one.id] = f"{one.image}: {outcome.reason}"
                elif outcome is not None:
                    found[digest] = outcome
                progress.update()
        return found

    def _rows(self, keys: Sequence[str]) -> list[int]:
        """Records with a key; of those that share one, the first, where they are compared among themselves."""
        known = [i for i, key in enumerate(keys) if key]
        return known if len(self.sides) > 1 else sorted({keys[i]: i for i in reversed(known)}.values())

    def _near(
        self, reason: Reason, exact: Reason, rows: Sequence[Sequence[int]], pairs: Iterable[tuple[int, int, float]]
    ) -> None:
        for a, b, value in pairs:
            reasons = self._pairs[rows[0][a], rows[-1][b]]
            if exact not in reasons:
                reasons[reason] = value


def _across(first: Sequence[str], second: Sequence[str]) -> Iterator[tuple[int, int]]:
    places = defaultdict(list)
    for b, key in enumerate(second):
        places[key].append(b)
    yield from ((a, b) for a, key in enumerate(first) if key for b in places.get(key, ()))


def _within(keys: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Each with the first that has its key."""
    seen: dict[str, int] = {}
    yield from ((a, b) for b, key in enumerate(keys) if key and (a := seen.setdefault(key, b)) != b)


def _digest(media: Media | None) -> str:
    """The digest of the bytes; "" where there are none."""
    return "" if media is None or media.digest == NO_CONTENT else media.digest
