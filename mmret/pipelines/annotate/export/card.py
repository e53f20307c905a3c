"""The data card: what is in a benchmark, who made it, and how far to trust it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..config import Config
from ..records import Clip
from ..report_tables import markdown
from ..tables import Table
from .account import OFFLINE, Account
from .galleries import PARTS
from .labels import Content

TEMPLATE = Path(__file__).with_name("card.md")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_KNOWN_LICENCE = re.compile(r"cc0-1\.0|cc-by(-(sa|nd|nc|nc-sa|nc-nd))?-[234]\.0")  # names that the Hub knows
_OFFLINE = {
    "description": "trained tags, speech to text and OCR; no language model and nobody wrote them",
    "text": "composed from the difference of two descriptions; no language model and nobody wrote them",
}


def card(content: Content, account: Account, config: Config) -> str:
    """The card, YAML and Markdown, in the form of the Hub's dataset cards."""
    from huggingface_hub import DatasetCard, DatasetCardData

    clips = content.documents
    words = [len(one.texts[0].split()) for one in content.triplets]
    gold = sum(one.status == "gold" for one in content.triplets)
    made = DatasetCard.from_template(
        DatasetCardData(**_facts(content, config)),
        template_path=str(TEMPLATE),
        title=title_of(config),
        originals=f"{len({clip.original for clip in clips}):,}",
        queries=f"{len(words):,}",
        not_gold=f"{len(words) - gold:,}" if gold < len(words) else "",
        words=f"{sum(words) / len(words):.1f}",
        fewest=min(words),
        most=max(words),
        split=config.export.split,
        clips=f"{len(clips):,}",
        hours=f"{sum(clip.end - clip.start for clip in clips) / 3600:.2f}",
        gallery=f"{len(content.galleries[0].rows):,}",
        queries_table=_queries(content).markdown(),
        galleries_table=_galleries(content).markdown(),
        makers=list(_makers(account)),
        prompts=account.prompts,
        prompts_table=_prompts(account).markdown() if account.prompts else "",
        reviewers=config.review.reviewers,
        false_accepts=f"{config.verify.false_accepts:.0%}",
        report=markdown(account.report),
        left_out_table=_left_out(account).markdown() if account.left_out else "",
        digests_table=_digests(account).markdown(),
        licences_table=_licences(clips, config).markdown(),
        licence=config.export.licence,
    )
    return re.sub(r"\n{3,}", "\n\n", made.content).rstrip() + "\n"


def title_of(config: Config) -> str:
    """The title of the benchmark."""
    return config.export.title or name_of(config)


def name_of(config: Config) -> str:
    """The name of the benchmark: two splits are two benchmarks."""
    name, split = config.project.name, config.export.split
    return name if split == "test" else f"{name}-{split}"


def _facts(content: Content, config: Config) -> dict[str, Any]:
    """The YAML part."""
    licences = sorted({clip.licence for clip in content.documents} | {config.export.licence})
    names = [licence.lower().replace(" ", "-") for licence in licences]
    known = all(_KNOWN_LICENCE.fullmatch(name) for name in names)
    number = len(content.triplets)
    files = {"corpus": "corpus", "queries": "queries", "qrels": "test", "top_ranked": "test"}
    return {
        "pretty_name": title_of(config),
        "license": sorted(set(names)) if known else "other",
        **({} if known else {"license_name": "see-data-card"}),
        "language": ["en"],
        "size_categories": [next((size for most, size in _SIZES if number < most), "n>1M")],
        "task_categories": ["text-to-video", "video-text-to-text"],
        "tags": ["composed-video-retrieval", "audio", "retrieval", *sorted({one.status for one in content.triplets})],
        "configs": [
            {"config_name": name, "data_files": [{"split": split, "path": f"{name}/*.parquet"}]}
            for name, split in files.items()
        ],
    }


def _queries(content: Content) -> Table:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in content.triplets:
        counts[one.pair.kind].update(["all", one.status, *one.slices[1:]])
    columns = sorted({name for own in counts.values() for name in own})
    rows = [[kind, *(f"{own[name]:,}" for name in columns)] for kind, own in sorted(counts.items())]
    return Table("Queries", ["kind", *columns], rows)


def _galleries(content: Content) -> Table:
    rows = []
    for part in PARTS:
        numbers = [gallery.parts[part] for gallery in content.galleries]
        rows.append([part, f"{sum(numbers) / len(numbers):.1f}", str(min(numbers)), str(max(numbers))])
    return Table("Candidates of a query", ["clips", "on average", "least", "most"], rows)


def _makers(account: Account) -> Iterator[str]:
    for what, who in account.made_by.items():
        for name, number in who.items():
            told = f": {_OFFLINE[what]}" if name == OFFLINE and what in _OFFLINE else ""
            yield f"{number:,} {what}{'' if number == 1 else 's'} by `{name}`{told}"


def _prompts(account: Account) -> Table:
    rows = [[one.name, f"`prompts/{one.name}.md`", one.digest] for one in account.prompts]
    return Table("Prompts", ["for", "file", "digest"], rows)


def _left_out(account: Account) -> Table:
    rows = [[why, f"{number:,}"] for why, number in account.left_out.items()]
    return Table("Triplets that do not go out", ["why", "triplets"], rows)


def _digests(account: Account) -> Table:
    return Table("Digests of the stages", ["stage", "SHA-256"], [[*one] for one in account.digests.items()])


def _licences(clips: list[Clip], config: Config) -> Table:
    counts = Counter((clip.original.partition("/")[0], clip.licence) for clip in clips)
    links = {source.name: source.link for source in config.source}
    rows = [[name, f"{number:,}", licence, links.get(name, "")] for (name, licence), number in sorted(counts.items())]
    return Table("Sources", ["source", "clips", "licence", "link"], rows)
