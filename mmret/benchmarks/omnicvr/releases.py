"""The public releases: where they lie, at which revision, and what they must hold."""

from __future__ import annotations

from dataclasses import dataclass

CLIPS = ("Jun-Yang/OmniCVR", "81f254d1e5993dfec408fa111990150c32c3e50f")
"""Repository and revision of the original upload: `omnicvr.jsonl`, and the clips in `videos/omnivideos-*.tar`."""


@dataclass(frozen=True)
class Release:
    """One public release.

    Parameters
    ----------
    name: how mmret calls it.
    summary: one line for the list.
    labels, revision: dataset repository with the configurations corpus, queries, qrels and top_ranked, and its commit.
    queries, documents, gallery: the sizes it is published with; None where they are not known exactly.
    """

    name: str
    summary: str
    labels: str
    revision: str
    queries: int
    documents: int | None
    gallery: int


OMNICVR = (
    Release(
        "omnicvr",
        "composed video retrieval with sound, as published: 16,316 clips, 5,000 queries, 2,000 candidates each",
        "mteb/OmniCVR",
        "e0c1031c52fff76113b5917f05b1589ad3f0c61a",
        5000,
        16_316,
        2000,
    ),
    Release(
        "omnicvr-500",
        "a tenth of omnicvr: 500 queries, 2,000 candidates each",
        "myang333/OmniCVR-mini",
        "48d185f21b713980f963a910ccbdbb4f22f057c5",
        500,
        None,
        2000,
    ),
    Release(
        "omnicvr-500-hard",
        "the same 500 queries among 250 candidates near the target",
        "myang333/OmniCVR-mini-hard-negatives",
        "18372ec526d991ee262536f6e37a7db1eef1ef8d",
        500,
        None,
        250,
    ),
)
