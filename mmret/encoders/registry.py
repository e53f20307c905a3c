"""Encoders by name: the built-in ones, and those of installed packages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any, Protocol, TypeVar

from ..errors import InputError, RunError, unknown_name
from .base import Encoder, Options, PairScorer, Spec
from .hub import in_cache

GROUP = "mmret.encoders"
_BUILT_IN = (
    "audiovlm2vec",
    "bm25",
    "clap",
    "clip",
    "from_mteb",
    "fuse",
    "python",
    "random",
    "st",
    "text",
    "tagbridge",
    "vlm2vec",
    "late",
    "omniembed",
)


class EncoderClass(Protocol):
    """What is registered: a class with its `spec` as class attribute.

    It is made with `Options`, and, where its spec has an `argument`, with that text as well; its instances then have a
    spec of their own, whose name is the whole reference.
    """

    spec: Spec

    def __call__(self, *args: Any, **kwargs: Any) -> Encoder | PairScorer:
        """Load the encoder."""
        ...


_CLASSES: dict[str, EncoderClass] = {}
C = TypeVar("C", bound=EncoderClass)


def register_encoder(cls: C) -> C:
    """Class decorator that makes an encoder available under `cls.spec.name`.

    The class is made with one argument, `Options`; it should load its weights at the first call of `embed`, which a run
    that finds all vectors in the store never makes, or of `score`.

    >>> import mmret, numpy as np
    >>> @mmret.register_encoder
    ... class Letters:
    ...     spec = mmret.Spec(
    ...         name="letters",
    ...         revision="1",  # raise it whenever the vectors change: they are kept
    ...         query=frozenset({"text"}),
    ...         document=frozenset({"text"}),
    ...         summary="how often each letter occurs",
    ...         licence="MIT",
    ...     )
    ...
    ...     def __init__(self, options):
    ...         self.preprocessing = {}  # whatever else decides the vectors
    ...
    ...     def embed(self, items, side):
    ...         counts = [[item.text.lower().count(letter) for letter in "eta"] for item in items]
    ...         return np.asarray(counts, np.float32)
    >>> mmret.load_encoder("letters").embed([mmret.Item("a", text="tea")], "query").tolist()
    [[1.0, 1.0, 1.0]]
    """
    _CLASSES[cls.spec.name] = cls
    return cls


def encoders() -> dict[str, EncoderClass]:
    """All encoders by name; importing the modules of the entry-point group `mmret.encoders` registers theirs.

    Raises `RunError` where one of these cannot be imported.
    """
    for name in _BUILT_IN:
        import_module(f".{name}", __package__)
    for point in entry_points(group=GROUP):
        try:
            point.load()
        except Exception as error:  # whatever the module of somebody else raises
            raise RunError(
                f"the encoders of {point.value} cannot be registered: {type(error).__name__}: {error}; "
                f"mend the package {point.dist.name if point.dist else point.name}, or remove it"
            ) from error
    return dict(sorted(_CLASSES.items()))


def missing_packages(spec: Spec) -> list[str]:
    """The packages an encoder needs that are not installed."""
    return [name for name in spec.packages if find_spec(name) is None]


def missing_weights(spec: Spec) -> list[str]:
    """The IDs of weights an encoder needs that are not in the Hub's cache."""
    return [name for name in spec.weights if not in_cache(name)]


def lacking(spec: Spec) -> str:
    """What keeps an encoder from running here now, as the command that mends it; empty when nothing does."""
    if missing := missing_packages(spec):
        return _install(spec, missing)
    if away := missing_weights(spec):
        return f"{'; '.join(f'hf download {name}' for name in away)} ({spec.download_mb / 1000:.1f} GB)"
    return f"name {spec.argument}" if spec.argument and not spec.default else ""


def _install(spec: Spec, missing: Sequence[str]) -> str:
    """What installs the missing packages; an encoder of another package has no extra of mmret."""
    return f"pip install 'mmret[{spec.extra}]'" if spec.extra else f"pip install {' '.join(missing)}"


def find_encoder(reference: str) -> EncoderClass:
    """The registered class that a reference, "name" or "name:argument", means."""
    known, name = encoders(), reference.partition(":")[0]
    if name not in known:
        raise unknown_name("model", name, known)
    return known[name]


def _argument(reference: str, spec: Spec) -> tuple[str, ...]:
    """What a class is made with beside the options."""
    given = reference.partition(":")[2]
    if not spec.argument:
        if given:
            raise InputError(f"model {spec.name!r} takes nothing behind a colon, but got {given!r}")
        return ()
    if not given and not spec.default:
        raise InputError(f"model {spec.name!r} needs {spec.argument}: {spec.name}:…")
    return (given or spec.default,)


def create_encoder(reference: str, options: Options) -> Encoder | PairScorer:
    """Load the encoder that a reference, "name" or "name:argument", means.

    Raises `InputError` when it is unknown, its packages are not installed, or its methods are not those of its
    `scoring`.
    """
    cls = find_encoder(reference)
    missing = missing_packages(cls.spec)
    if missing:
        raise InputError(
            f"model {reference!r} needs {', '.join(missing)} ({cls.spec.download_mb:.0f} MB); "
            f"install with: {_install(cls.spec, missing)}"
        )
    model = checked(cls(options, *_argument(reference, cls.spec)), reference)
    unknown = set(options.choices) - set(model.preprocessing)
    if unknown:
        raise InputError(f"model {reference!r} has no {', '.join(sorted(unknown))} to choose")
    return model


def create_part(reference: str, options: Options, label: str) -> Encoder:
    """Load an encoder that works inside of another one; its choices are those given as "LABEL.NAME".

    Raises `InputError` as `create_encoder`, and for a model without a single vector an item.
    """
    prefix = f"{label}."
    own = {name.removeprefix(prefix): value for name, value in options.choices.items() if name.startswith(prefix)}
    made = create_encoder(reference, replace(options, choices=own))
    if made.spec.scoring != "dot" or not isinstance(made, Encoder):
        raise InputError(f"{reference} has no single vector an item and cannot be a part of another model")
    return made


def checked(model: object, name: str) -> Encoder | PairScorer:
    """`model`, if it is one. Raises `InputError` where it lacks something, or its methods are not those of its spec."""
    if isinstance(model, type):
        raise InputError(f"{name} is a class: give an object of it, or register it and give its name")
    if not isinstance(getattr(model, "spec", None), Spec) or not isinstance(model, (Encoder, PairScorer)):
        raise InputError(f"{name} is no model: it needs spec, preprocessing, and a method embed or score")
    scoring = model.spec.scoring  # of a family, each member has its own
    if isinstance(model, PairScorer) != (scoring == "pairs"):
        method, other = ("score", "embed") if scoring == "pairs" else ("embed", "score")
        raise InputError(f"model {name!r} declares scoring {scoring!r}: give it {method}, and no {other}")
    return model
