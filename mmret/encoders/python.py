"""python: a class of one's own, without registering it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..items import Media
from .base import Encoder, Options, PairScorer, Spec
from .registry import register_encoder


class PythonClass:
    """Makes a class out of a module that Python finds, or that lies in the working folder.

    The model goes by the whole reference, and the digest of the module's file is part of its revision: vectors made
    before the file was edited are not taken for its own. Other files that it imports are not looked at.
    """

    spec = Spec(
        name="python",
        revision="1",
        query=frozenset({"text", "image", "video", "audio"}),
        document=frozenset({"text", "image", "video", "audio"}),
        summary="a class of your own, by the name of its module; mmret models new writes one to start from",
        licence="your own",
        packages=("torch",),
        argument="package.module:Class",
    )

    def __call__(self, options: Options, argument: str) -> Encoder | PairScorer:
        """Raises `InputError` when there is no such class, or it is no model."""
        module, _, name = argument.partition(":")
        cls, digest = _find(module, name)
        if not isinstance(getattr(cls, "spec", None), Spec):
            raise InputError(f"python:{argument}: the class needs an attribute spec, a mmret.encoders.Spec")
        try:
            model = cls(options)
        except TypeError as error:
            raise InputError(
                f"python:{argument}: is made with one argument, mmret.encoders.Options: {error}"
            ) from error
        revision = f"{model.spec.revision} sha256:{digest[:32]}"
        model.spec = replace(model.spec, name=f"python:{argument}", revision=revision)
        return model


register_encoder(PythonClass())


def _find(module: str, name: str) -> tuple[Callable[[Options], Any], str]:
    """The class, and the digest of its module's file."""
    if not name or not all(part.isidentifier() for part in module.split(".")):
        raise InputError(f"python:{module}:{name}: name a module and a class, such as python:package.module:Class")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        found = import_module(module)
    except Exception as error:  # whatever a module of one's own raises
        raise InputError(f"python:{module}:{name}: cannot be imported: {type(error).__name__}: {error}") from error
    file = getattr(found, "__file__", None)
    if file is None or not callable(getattr(found, name, None)):
        raise InputError(f"python:{module}:{name}: module {module} ({file or 'of no file'}) has no class {name}")
    return getattr(found, name), Media(Path(file)).digest
