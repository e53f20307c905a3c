"""The start of a package of one's own: a small model that runs, with its test."""

from __future__ import annotations

import keyword
import re
from importlib.util import find_spec
from pathlib import Path
from string import Template

from ..errors import InputError
from .registry import encoders

_NAME = re.compile(r"[a-z]([a-z0-9_-]*[a-z0-9])?")
_PROJECT = Template("""\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "$name"
version = "0.1.0"
description = "An encoder for mmret."
requires-python = ">=3.11"
dependencies = ["mmret"]

# mmret imports this module, whose decorator makes the model known.
[project.entry-points."mmret.encoders"]
$name = "$module"
""")

_MODULE = Template('''\
"""$name: an encoder for mmret. Replace what `_vector` computes by your model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmret.encoders import Options, Spec, register_encoder
from mmret.items import Item, Side


@register_encoder
class $cls:
    """The mean colours of a clip, and the letters of a text: a stand-in that knows next to nothing."""

    spec = Spec(
        name="$name",
        revision="1",  # change it whenever the vectors can change: new weights, another prompt, other code
        query=frozenset({"text", "video"}),  # what is truly read on each side
        document=frozenset({"text", "video"}),
        summary="mean colours and letters",
        licence="MIT",
    )

    def __init__(self, options: Options) -> None:
        # All that decides the vectors; it is stored with every result, and keeps the vectors of other settings apart.
        self.preprocessing: Mapping[str, Any] = {**options.decoding}
        self._loader = options.loader()

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        """Vectors float32 `(len(items), 29)`; each depends on its item alone, not on the others in the call.

        Weights are best loaded here, at the first call: a run that finds all vectors in the store never makes it.
        """
        self._loader.expect(item.keep(["video"]) for item in items)  # decoded ahead, in other processes
        return np.stack([self._vector(item) for item in items])

    def _vector(self, item: Item) -> NDArray[np.float32]:
        vector = np.zeros(29, np.float32)
        frames = self._loader.frames(item.keep(["video"]))  # uint8 RGB (frames, height, width, 3), or None
        if frames is not None:
            vector[:3] = frames.mean((0, 1, 2)) / 255
        for letter in (item.text or "").lower():
            if "a" <= letter <= "z":
                vector[3 + ord(letter) - ord("a")] += 1
        length = np.linalg.norm(vector)
        return vector / length if length else vector
''')

_TEST = Template('''\
"""$name is found by mmret, and answers as mmret's contract asks."""

import numpy as np

from mmret.encoders import Options, create_encoder
from mmret.items import Item
from mmret.media import Workers


def test_vectors_depend_on_their_item_alone():
    with Workers(1, 60) as workers:
        model = create_encoder("$name", Options(workers))
        items = [Item("a", text="a dog barks"), Item("b", text="rain")]
        together = model.embed(items, "query")
        assert together.dtype == np.float32
        assert np.isfinite(together).all()
        np.testing.assert_array_equal(model.embed(items[::-1], "query"), together[::-1])
        np.testing.assert_array_equal(model.embed(items[:1], "query"), together[:1])
''')

_README = Template("""\
# $name

An encoder for [mmret](https://github.com/mmret/mmret).

```
pip install --editable .
pytest
mmret eval --bench omnicvr-mini --model $name
```
""")


def skeleton(name: str) -> dict[str, str]:
    """Files of a package that can be installed, by their path: `{"pyproject.toml": …, "NAME.py": …, …}`.

    Raises `InputError` for a name that cannot be that of a package and of its module.
    """
    module = name.replace("-", "_")
    if not _NAME.fullmatch(name) or keyword.iskeyword(module):
        raise InputError(
            f"{name!r} cannot be the name of a package; take small letters, digits and hyphens, such as my-model"
        )
    words = {"name": name, "module": module, "cls": "".join(part.capitalize() for part in module.split("_"))}
    files = {
        "pyproject.toml": _PROJECT,
        f"{module}.py": _MODULE,
        f"test_{module}.py": _TEST,
        "README.md": _README,
    }
    return {path: template.substitute(words) for path, template in files.items()}


def write_skeleton(name: str, folder: Path) -> list[Path]:
    """Write that package into `folder`, which must not hold anything yet; the paths of its files.

    Raises `InputError` also for a name that something installed here has already.
    """
    files = skeleton(name)
    if name in encoders() or find_spec(name.replace("-", "_")) is not None:
        raise InputError(f"{name!r} is taken: there is a model or a module of that name here; choose another")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: exists already; name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            (folder / path).write_text(content, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}") from None
    return [folder / path for path in files]
