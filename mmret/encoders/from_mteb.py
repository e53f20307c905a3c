"""mteb: every encoder that mteb knows, called as mteb calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import cpu_torch
from ..errors import InputError, RunError
from ..items import Item, Modality, Side
from .base import Options, Spec
from .choices import whole_number
from .hub import said
from .registry import register_encoder
from .units import unit

RATE = 48_000  # of sound as it is handed over; the encoders bring it to their own


@register_encoder
class MtebEncoder:
    """An encoder of mteb's registry, with the prompts that mteb gives it for a task.

    Text, pictures and sound are handed over as mteb's own loader does; clips are not. Vectors have length 1 where mteb
    compares the encoder by cosine.

    Choices: `task`, the name of the mteb task whose prompts are used, by default a retrieval task that none are
    registered for; `batch`, the items that go through the encoder together (1: no vector depends on another's padding).
    """

    spec = Spec(
        name="mteb",
        revision="1",
        query=frozenset({"text", "image", "audio"}),
        document=frozenset({"text", "image", "audio"}),
        summary="any encoder of mteb's registry, unchanged",
        licence="that of the weights",
        packages=("mteb", "torch"),
        extra="mteb",
        limits="Clips are not shown to it: an item's sound track is heard where the encoder hears.",
        argument="a name of mteb's registry",
    )

    def __init__(self, options: Options, argument: str) -> None:
        self._options = options
        self._meta = _meta(argument)
        self._batch = whole_number(options, "batch", 1)
        self._similarity = str(getattr(self._meta.similarity_fn_name, "value", None) or "cosine")
        if self._similarity not in ("cosine", "dot"):
            raise InputError(f"mteb:{argument} compares by {self._similarity}, which no inner product stands for")
        readable: tuple[Modality, ...] = ("text", "image", "audio")
        reads: frozenset[Modality] = frozenset(one for one in readable if one in self._meta.modalities)
        self.spec = replace(
            type(self).spec,
            name=f"mteb:{argument}",
            revision=f"{type(self).spec.revision} {self._meta.revision}",
            query=reads,
            document=reads,
            licence=str(self._meta.license or type(self).spec.licence),
            parameters=int(self._meta.n_parameters or 0),
            training_data=", ".join(sorted(self._meta.training_datasets or ())) or "not declared",
        )
        self.preprocessing: Mapping[str, Any] = {
            "task": options.choices.get("task", ""), "similarity": self._similarity, "batch": self._batch,
            "loader": {key: str(value) for key, value in self._meta.loader_kwargs.items()},
        }  # fmt: skip
        self._loader = options.loader(frames=False, sound="audio" in reads)

    @cached_property
    def _model(self) -> Any:
        with self._options.meter.stage("load model"):
            try:
                return self._meta.load_model(device=self._options.device)
            # Each of mteb's loaders has errors of its own.
            except Exception as error:
                raise RunError(
                    f"{self.spec.name}: mteb cannot load it: {said(error)}; where there is a network: "
                    f"hf download {self._meta.name}"
                ) from error

    @cached_property
    def _task(self) -> Any:
        """What mteb tells the encoder about the task."""
        import mteb
        from mteb.mocks.mock_tasks.retrieval import MockRetrievalTask

        name = self._options.choices.get("task")
        if not name:
            return MockRetrievalTask.metadata
        try:
            return mteb.get_task(name).metadata
        except KeyError as error:
            raise InputError(f"task: {error.args[0]}") from None

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        """Vectors float32 `(len(items), d)`."""
        self._loader.expect(item.keep(self.spec.reads(side) - {"text"}) for item in items)
        rows = [self._row(item, side) for item in items]
        found: dict[int, NDArray[np.float32]] = {}
        for columns in dict.fromkeys(tuple(row) for row in rows):
            alike = [number for number, row in enumerate(rows) if tuple(row) == columns]
            for start in range(0, len(alike), self._batch):
                some = alike[start : start + self._batch]
                found.update(zip(some, self._encode([rows[number] for number in some], side), strict=True))
        return np.stack([found[number] for number in range(len(rows))])

    def _row(self, item: Item, side: Side) -> dict[str, Any]:
        """An item under mteb's names of columns."""
        row: dict[str, Any] = {}
        if item.text is not None:
            row["text"] = item.text
            row |= {"query": item.text} if side == "query" else {"title": "", "body": item.text}
        if "image" in self.spec.reads(side) and item.image is not None:
            frames = self._loader.frames(item.keep(["image"]))
            row |= {} if frames is None else {"image": Image.fromarray(frames[0])}
        if "audio" in self.spec.reads(side) and item.audio is not None:
            sound = self._loader.sound(item, RATE)
            row |= {} if sound is None else {"audio": {"array": sound, "sampling_rate": RATE}}
        if not row:
            raise RunError(f"{self.spec.name} finds nothing to read in item {item.id}: it has no sound track")
        return row

    def _encode(self, rows: list[dict[str, Any]], side: Side) -> NDArray[np.float32]:
        from mteb.types import PromptType
        from torch.utils.data import DataLoader

        def columns(batch: list[dict[str, Any]]) -> dict[str, list[Any]]:
            return {name: [row[name] for row in batch] for name in batch[0]}

        vectors = self._model.encode(
            DataLoader(_Rows(rows), batch_size=len(rows), collate_fn=columns),  # type: ignore[arg-type]  # a list of rows is enough
            task_metadata=self._task,
            hf_split="test",
            hf_subset="default",
            prompt_type=PromptType.query if side == "query" else PromptType.document,
            batch_size=len(rows),
            show_progress_bar=False,
        )
        plain = vectors.float().cpu().numpy() if hasattr(vectors, "cpu") else np.asarray(vectors, np.float32)
        found: NDArray[np.float32] = np.stack([unit(one) for one in plain]) if self._similarity == "cosine" else plain
        return found


class _Rows(list[dict[str, Any]]):
    """As much of a `datasets.Dataset` as mteb's encoders ask for."""

    @property
    def features(self) -> dict[str, None]:
        """Names of the columns."""
        return dict.fromkeys(self[0])


def _meta(name: str) -> Any:
    cpu_torch.prepare()
    import mteb

    try:
        meta: Any = mteb.get_model_meta(name)
    except KeyError as error:
        raise InputError(f"{error.args[0]} Models of sentence-transformers go by st:{name}.") from None
    if meta.is_cross_encoder or "dense" not in meta.model_type:
        raise InputError(f"mteb:{name} is of kind {', '.join(meta.model_type)}; only dense encoders can be used here")
    return meta
