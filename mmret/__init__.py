"""mmret: which encoder finds the right table image or the right video, by how much, at what cost, and why?

>>> import mmret
>>> tables = mmret.load_benchmark("tarvir-mini", view="title=text,content=native")
>>> bm25 = mmret.evaluate(tables, "bm25")  # a notebook shows it as a table
>>> chance = mmret.evaluate(tables, "random")
>>> round(bm25["R@10"] - chance["R@10"], 1)
0.8
>>> mmret.compare(bm25, chance, measure="R@10").groups  # those that share a group cannot be told apart
{'bm25 [title=text,content=native]': [1], 'random [title=text,content=native]': [2]}

Wrong names, files and settings raise `mmret.InputError`, a run that fails `mmret.RunError`. Below these names lie the
rooms, such as `mmret.evaluation` and `mmret.encoders`, with all that the command line can do.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import compare, list_benchmarks, list_encoders, load_encoder, score_run
    from .benchmarks import Benchmark, load_benchmark, make_benchmark
    from .encoders import Encoder, Options, PairScorer, Spec, register_encoder
    from .errors import InputError, MmretError, RunError
    from .evaluation import (
        Ranking,
        Result,
        Run,
        RunScores,
        Settings,
        export,
        load_result,
        read_qrels,
        read_run,
        write_run,
    )
    from .evaluation.evaluate import evaluate
    from .items import Item, Media

    __version__: str

__all__ = [
    "Benchmark",
    "Encoder",
    "InputError",
    "Item",
    "Media",
    "MmretError",
    "Options",
    "PairScorer",
    "Ranking",
    "Result",
    "Run",
    "RunError",
    "RunScores",
    "Settings",
    "Spec",
    "compare",
    "evaluate",
    "export",
    "list_benchmarks",
    "list_encoders",
    "load_benchmark",
    "load_encoder",
    "load_result",
    "make_benchmark",
    "read_qrels",
    "read_run",
    "register_encoder",
    "score_run",
    "write_run",
]

# Where each name is from; the others are from `evaluation`.
_ROOMS = {
    "api": ("compare", "list_benchmarks", "list_encoders", "load_encoder", "score_run"),
    "benchmarks": ("Benchmark", "load_benchmark", "make_benchmark"),
    "encoders": ("Encoder", "Options", "PairScorer", "Spec", "register_encoder"),
    "errors": ("InputError", "MmretError", "RunError"),
    "items": ("Item", "Media"),
}

if not TYPE_CHECKING:  # a type checker would believe that every name is there

    def __getattr__(name: str) -> Any:
        """The rooms are entered when they are first asked for: they bring NumPy, pandas and more (PEP 562)."""
        if name == "__version__":
            return import_module("importlib.metadata").version(__name__)
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        room = next((room for room, names in _ROOMS.items() if name in names), "evaluation")
        return getattr(import_module(f".{room}", __name__), name)


def __dir__() -> list[str]:
    return __all__
