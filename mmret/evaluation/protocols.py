"""Protocols: which documents compete with the right one.

Results of different protocols are never put in one ranking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..benchmarks import Benchmark, Ragged
from ..errors import InputError


@dataclass(frozen=True)
class Protocol:
    """A rule for the candidates of a query.

    Parameters
    ----------
    name: identity, part of every result.
    everything: all documents of the benchmark compete, not the query's gallery alone.
    without_source: the query's own source is taken out.
    summary: one line for people.
    """

    name: str
    everything: bool
    without_source: bool
    summary: str

    def candidates(self, benchmark: Benchmark) -> Ragged | None:
        """Positions of the candidates before the source is taken out; None for all documents."""
        return None if self.everything else benchmark.galleries


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("gallery", False, False, "the query's own gallery, its source included if it is there"),
        Protocol("gallery-no-source", False, True, "the query's own gallery without its source"),
        Protocol("global", True, False, "all documents, the source included"),
        Protocol("global-no-source", True, True, "all documents without the query's source"),
    )
}


def protocols_of(benchmark: Benchmark, names: Sequence[str] | None = None) -> list[Protocol]:
    """The protocols to score: those named, or all that a benchmark is usually reported under.

    Raises `InputError` for a name that is unknown or that asks for a gallery or a source the benchmark does not have.
    """
    has_gallery, has_source = benchmark.galleries is not None, benchmark.source is not None
    fitting = {
        name: protocol
        for name, protocol in PROTOCOLS.items()
        if (protocol.everything or has_gallery) and (has_source or not protocol.without_source)
    }
    if not names:
        return [protocol for protocol in fitting.values() if not (has_gallery and protocol.name == "global-no-source")]
    for name in names:
        if name not in fitting:
            raise InputError(f"protocol {name!r} does not fit {benchmark.name}; choose from: {', '.join(fitting)}")
    return [fitting[name] for name in dict.fromkeys(names)]
