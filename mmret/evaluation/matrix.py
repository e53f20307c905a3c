"""The view matrix: the same questions and tables, each title and content shown as text, as a picture, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..benchmarks import Benchmark
from ..benchmarks.tarvir import CONTENTS, TITLES, View
from ..encoders import Options, Spec, create_encoder
from ..errors import InputError
from ..items import Modality
from ..media import Workers
from .evaluate import evaluate
from .results import Result
from .settings import Settings


@dataclass(frozen=True)
class Cell:
    """One model under one view: its result, or the reason why there is none."""

    view: View
    model: str
    result: Result | None
    reason: str = ""


def all_views(serialiser: str = "markdown") -> list[View]:
    """Every pair of title and content that shows something."""
    pairs = [(title, content) for title in TITLES for content in CONTENTS if (title, content) != ("none", "none")]
    return [View(*pair, serialiser if "native" in pair[1] else "markdown") for pair in pairs]


def run_matrix(
    load: Callable[[View], Benchmark],
    models: Sequence[str],
    views: Sequence[View],
    settings: Settings,
    *,
    show: bool = False,
) -> Iterator[Cell]:
    """Evaluate each model under each view, one after the other.

    A cell is left out, with the reason, where the corpus lacks what the view shows, and where the model does not read
    all of it: a figure made of half of what is shown would pass for one of the whole.

    Parameters
    ----------
    load: the benchmark in a view; raises `InputError` where the corpus cannot be shown so.
    models: references.
    settings: of all evaluations.
    """
    with Workers(1) as workers:
        specs = {model: create_encoder(model, Options(workers, cache=settings.cache)).spec for model in models}
    for view in views:
        lacks = ""
        try:
            benchmark = load(view)
            benchmark.need_labels()
        except InputError as error:
            lacks = str(error)
        for model in models:
            reason = lacks or _unread(specs[model], view)
            yield Cell(view, model, None if reason else evaluate(benchmark, model, settings, show=show), reason)


def _unread(spec: Spec, view: View) -> str:
    """What of a view a model does not read of a document; empty where it reads all."""
    shown: dict[Modality, bool] = {"text": view.text, "image": view.pictures}
    unread = [modality for modality, is_shown in shown.items() if is_shown and modality not in spec.document]
    if not unread and spec.text_first and all(shown.values()):
        unread = ["image"]
    return f"{spec.name} does not read the {' and the '.join(unread)}" if unread else ""
