"""`mmret perturb` and `mmret sweep`: tables disturbed on purpose, and what that does to a model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError, first_ten
from .common import (
    Bench,
    BenchOption,
    Cache,
    Data,
    Device,
    FieldMap,
    Json,
    Limit,
    ModelOption,
    Split,
    View,
    WorkerCount,
    new_table,
    note,
    show,
    show_json,
    show_mapping,
)

if TYPE_CHECKING:
    from rich.table import Table

    from ..pipelines.sweep import Effect, Sweep

Engine = Annotated[str, typer.Option("--ocr", help="Who reads pictures whose text is shown, as for `mmret ocr`.")]
_STRENGTHS = "title-drop, title-noise=0.3, rows, columns, scale=0.5, blur=2, jpeg=20, skew=3, noise=0.2, style=dark"


def perturb(
    bench: Bench,
    perturbation: Annotated[str, typer.Argument(help=f"Such as {_STRENGTHS}.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the copy, a benchmark of its own.")],
    data: Data = None,
    view: View = None,
    field_map: FieldMap = None,
    split: Split = None,
    untouched: Annotated[
        bool, typer.Option("--untouched", help="Disturb nothing, but draw and read anew what the perturbation would.")
    ] = False,
    ocr: Engine = "rapidocr",
    seed: Annotated[int, typer.Option(help="Seed of what is random.")] = 0,
    workers: WorkerCount = None,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Write a disturbed copy of a corpus of tables, for the view it is shown in; one that was stopped goes on."""
    from ..benchmarks import Sources
    from ..pipelines.sweep import Change, hindrance, make_copy, open_source

    change = Change.parse(perturbation)
    sources = Sources(data, cache, view, field_map, split)
    source = open_source(bench, sources, seed=seed, engine=ocr, workers=workers)
    if reason := hindrance(change, source.view, source.sample):
        raise InputError(f"{change} cannot matter in {source.view}: {reason}")
    copy = make_copy(source, change, output, untouched=untouched, show=True)
    for name, fault in copy.failed.items():
        note(f"unusable in the copy: {name}: {fault}")
    facts = {"folder": str(copy.folder), "view": str(copy.view), "new": copy.new, "unusable": len(copy.failed)}
    show_mapping(facts, as_json=as_json)


def sweep(
    bench: BenchOption,
    model: ModelOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for copies and results; several models may.")],
    view: View = None,
    perturbations: Annotated[
        list[str] | None,
        typer.Option("--perturb", help=f"Such as {_STRENGTHS}; repeat for several. Default: all at usual strengths."),
    ] = None,
    data: Data = None,
    field_map: FieldMap = None,
    split: Split = None,
    measure: Annotated[str, typer.Option(help="What is lost.")] = "R@10",
    slices: Annotated[
        list[str] | None, typer.Option("--slice", help="Report this slice too, such as area:hard; repeat for several.")
    ] = None,
    limit: Limit = None,
    ocr: Engine = "rapidocr",
    seed: Annotated[int, typer.Option(help="Seed of perturbations, random encoders and intervals.")] = 0,
    device: Device = "auto",
    workers: WorkerCount = None,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Measure what a model loses where titles, rows, columns and pictures of tables are disturbed."""
    from ..benchmarks import Sources
    from ..evaluation import MEASURES, Settings
    from ..pipelines.sweep import Change, open_source, usual_changes
    from ..pipelines.sweep import sweep as run

    changes = [Change.parse(text) for text in perturbations] if perturbations else usual_changes()
    measures = tuple(dict.fromkeys([measure, *MEASURES]))
    settings = Settings(
        measures=measures, limit=limit, seed=seed, device=device, workers=workers, cost_items=0, cache=cache
    )
    sources = Sources(data, cache, view, field_map, split)
    source = open_source(bench, sources, seed=seed, engine=ocr, workers=workers)
    found = run(source, model, changes, output, settings, slices=slices or (), show=True)
    for name, failed in found.failed.items():
        note(f"{name}: {len(failed):,} tables are unusable: {first_ten([*failed])}")
    if as_json:
        show_json(found.describe())
        return
    if found.effects:
        show(_effects_table(found))
    for reason, names in _by_reason(found).items():
        print(f"not run: {reason}: {', '.join(names)}")


def _by_reason(found: Sweep) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for name, reason in found.not_run.items():
        reasons.setdefault(reason, []).append(name)
    return reasons


def _effects_table(found: Sweep) -> Table:
    """Change × slice: the measure before and after, the difference, and how the ranks moved."""
    from ..evaluation.summary import ALL

    left = ("perturbation", "against", "slice")
    table = new_table(
        (*left, "n", "before", "after", "difference", "95 %", "p (Holm)", "rank kept", "moved", "top 10"),
        left,
        title=f"{found.model} on {found.benchmark} [{found.view}], {found.measure}",
        caption="against: what the copy is compared with; p: paired randomisation, Holm over all rows; rank kept: "
        "queries whose best right document keeps its rank; moved: places, median and 90th percentile; "
        "top 10: share in common",
    )
    for one, following in zip_longest(found.effects, found.effects[1:]):
        end = following is not None and following.slice == ALL and one.slice != ALL
        table.add_row(*_cells(one, found.measure), end_section=end)
    return table


def _cells(one: Effect, measure: str) -> Sequence[str]:
    from ..evaluation.frames import percent

    gap, moved = one.comparison, one.stability
    old, new, effect, low, high = (
        percent(measure, value) for value in (one.before, one.after, gap.effect, gap.low, gap.high)
    )
    return (
        one.change, one.baseline, one.slice, str(one.queries), old, new, effect, f"{low} to {high}",
        f"{one.adjusted:.4f}", f"{100 * moved.same:.1f} %", f"{moved.median:g}, {moved.p90:g}",
        f"{100 * moved.overlap:.1f} %",
    )  # fmt: skip
