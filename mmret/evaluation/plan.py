"""Which items are embedded together, fixed before the first of them is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ..items import Item, Side


@dataclass(frozen=True)
class Batch:
    """Items of one side that are embedded in one call and kept together; `number` is that of its task."""

    number: int
    side: Side
    items: tuple[Item, ...]


Task = tuple[Batch, ...]
"""Batches that one worker embeds in a row, because they are made of the same media."""


def plan(sides: Mapping[Side, Sequence[Item]], batch_size: int) -> list[Task]:
    """All items of each side, those of equal content once, in batches of at most `batch_size`.

    Items are ordered by the length of their texts, so that batches waste little padding, and then by digest. Behind
    each batch of documents come the queries that are made of the same media, which are then decoded once; the other
    queries come last. Nothing but the items' contents and the size decides: not their order, who embeds them, or what
    has been embedded.
    """
    documents = _cut(_distinct(sides.get("document", ())), batch_size)
    home: dict[str, int] = {}  # media → the first batch with a document of it
    for number, items in enumerate(documents):
        for media in (media for item in items for media in item.media):
            home.setdefault(media.digest, number)
    near: list[list[Item]] = [[] for _ in documents]
    others: list[Item] = []
    for query in _distinct(sides.get("query", ())):
        homes = [home[media.digest] for media in query.media if media.digest in home]
        (near[min(homes)] if homes else others).append(query)
    tasks: list[Task] = []
    for number, (items, queries) in enumerate(zip(documents, near, strict=True)):
        behind = [Batch(number, "query", some) for some in _cut(queries, batch_size)]
        tasks.append((Batch(number, "document", items), *behind))
    tasks += [(Batch(len(tasks) + i, "query", items),) for i, items in enumerate(_cut(others, batch_size))]
    return tasks


def left(task: Task, missing: Callable[[Side, Sequence[str]], Collection[str]]) -> Task:
    """What is left of a task when only items are taken whose digests are among the missing ones of their side."""
    found = []
    for batch in task:
        wanted = set(missing(batch.side, [item.digest for item in batch.items]))
        found.append(replace(batch, items=tuple(item for item in batch.items if item.digest in wanted)))
    return tuple(batch for batch in found if batch.items)


def _distinct(items: Sequence[Item]) -> list[Item]:
    by_digest = {item.digest: item for item in items}
    return sorted(by_digest.values(), key=lambda item: (len(item.text or ""), item.digest))


def _cut(items: Sequence[Item], size: int) -> list[tuple[Item, ...]]:
    return [tuple(items[start : start + size]) for start in range(0, len(items), size)]
