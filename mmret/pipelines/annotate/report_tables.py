"""A report as tables of texts: for the terminal, and in Markdown for the data card."""

from __future__ import annotations

import math

from .report import Report
from .tables import Table
from .verify import Rate


def tables(report: Report) -> list[Table]:
    """All of a report that there is something to say of."""
    made = [
        _funnel(report), _reasons(report), _mining(report), _judges(report), _controls(report), _people(report),
        _review(report), _agreement(report), _gold(report), _calls(report),
    ]  # fmt: skip
    return [table for table in made if table.rows]


def markdown(report: Report) -> str:
    """The whole report in Markdown, headings of the third level."""
    return "\n\n".join(table.markdown() for table in tables(report)) + "\n"


def _funnel(report: Report) -> Table:
    rows = [
        [
            one.stage,
            *map(_number, (one.items, one.accepted, one.rejected, one.pending)),
            _share(one.accepted, one.items),
        ]
        for one in report.stages
    ]
    return Table("Funnel", ["stage", "items", "accepted", "rejected", "pending", "pass rate"], rows)


def _reasons(report: Report) -> Table:
    rows = [
        [one.stage, status, reason, _number(number)]
        for one in report.stages
        for status, reasons in one.reasons.items()
        for reason, number in reasons.items()
    ]
    return Table("Why items were not accepted", ["stage", "status", "reason", "items"], rows)


def _mining(report: Report) -> Table:
    rows = [[kind, what, _number(n)] for kind, counts in report.mining.items() for what, n in counts.items()]
    return Table("Mining", ["kind", "what", "pairs"], rows)


def _judges(report: Report) -> Table:
    rows = []
    for one in report.judges:
        trusted = "not tried" if one.trust is None else "yes" if one.trust.trusted else f"no: {one.trust.reason}"
        faults = ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in one.faults.items())
        rows.append([one.judge, _number(one.verdicts), _share(one.accepted, one.verdicts), faults, trusted])
    return Table("Judges of triplets", ["judge", "verdicts", "accepts", "points that did not hold", "trusted"], rows)


def _controls(report: Report) -> Table:
    rows = []
    for one in report.judges:
        if one.trust is not None:
            rows.append([one.judge, "all known-wrong: accepted", *_rate(one.trust.false_accepts)])
            rows.append([one.judge, "all known-right: rejected", *_rate(one.trust.false_rejects)])
            rows += [[one.judge, made, *_rate(rate)] for made, rate in one.trust.by_making.items()]
    for person in report.people:
        if person.false_accepts.n or person.false_rejects.n:
            rows.append([person.reviewer, "all known-wrong: accepted", *_rate(person.false_accepts)])
            rows.append([person.reviewer, "all known-right: rejected", *_rate(person.false_rejects)])
    return Table("Controls", ["judge or person", "controls", "errors", "error rate", "95 % interval"], rows)


def _people(report: Report) -> Table:
    rows = [[one.reviewer, _number(one.votes), _share(one.accepted, one.votes)] for one in report.people]
    return Table("Votes of people", ["reviewer", "votes", "accepts"], rows)


def _review(report: Report) -> Table:
    found = report.review
    number = {"enough votes": found.enough, "some votes, not enough": found.some, "no vote yet": found.none}
    all_ = sum(number.values())
    rows = [[what, _number(n), _share(n, all_)] for what, n in number.items()] if report.people else []
    return Table("Progress of people", ["triplets with", "triplets", "share"], rows)


def _agreement(report: Report) -> Table:
    rows = []
    for one in report.agreement:
        found = one.found
        value = "–" if math.isnan(found.value) else f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"
        raw = "–" if math.isnan(found.raw) else f"{found.raw:.1%}"
        rows.append([", ".join(one.who), one.measure, _number(found.items), value, raw])
    return Table("Agreement", ["who", "measure", "triplets", "value, 95 % interval", "equal labels"], rows)


def _gold(report: Report) -> Table:
    rows = [[status, reason, _number(n)] for status, reasons in report.gold.items() for reason, n in reasons.items()]
    return Table("Triplets", ["status", "reason", "triplets"], rows)


def _calls(report: Report) -> Table:
    rows = []
    for one in report.calls:
        cost = "unknown" if one.uncounted == one.calls else f"{one.cost:.4g}{' and more' if one.uncounted else ''}"
        rows.append([one.stage, one.model, *map(_number, (one.calls, one.read, one.written)), cost])
    return Table("Calls of models", ["stage", "model", "calls", "tokens read", "tokens written", "cost"], rows)


def _number(number: int) -> str:
    return f"{number:,}"


def _share(some: int, all_: int) -> str:
    return f"{some / all_:.1%}" if all_ else "–"


def _rate(rate: Rate) -> list[str]:
    if not rate.n:
        return ["0 of 0", "–", "–"]
    return [f"{rate.errors} of {rate.n}", f"{rate.value:.1%}", f"{rate.low:.1%} to {rate.high:.1%}"]
