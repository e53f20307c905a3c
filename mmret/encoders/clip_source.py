"""Where a CLIP of open_clip comes from: configuration and transform first, the weights when they are needed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import cpu_torch
from ..errors import InputError, unknown_name
from ..items import Media
from ..media import digest_all
from .hub import Weights, local_path, resolve

_CONFIG = "open_clip_config.json"


@dataclass(frozen=True)
class ClipSource:
    """A model of open_clip, not yet loaded; made by `find_source`.

    Parameters
    ----------
    weights: where the weights lie.
    transform: of pictures, in the terms of open_clip's `PreprocessCfg`.
    architecture: name of a built-in architecture; "" where the weights' folder says what they are.
    files: what the file of a built-in architecture's weights may be called, the preferred name first.
    quick_gelu: whether the weights were trained with that activation although the architecture's name does not say so.
    """

    weights: Weights
    transform: dict[str, Any]
    architecture: str = ""
    files: tuple[str, ...] = ()
    quick_gelu: bool = False

    def load(self) -> tuple[Any, Any]:
        """The model in float32, and the tokenizer."""
        import open_clip

        checkpoint = str(self._checkpoint()) if self.architecture else None
        name = self.architecture or f"local-dir:{self.weights.fetch()}"
        with self.weights.loading():
            model = open_clip.create_model(
                name,
                pretrained=checkpoint,
                force_preprocess_cfg=self.transform,
                force_quick_gelu=self.quick_gelu,
                pretrained_text=False,
                require_pretrained=True,  # else missing weights are drawn at random, with no more than a warning
            )
            return model, open_clip.get_tokenizer(name)

    def _checkpoint(self) -> Path:
        for name in self.files:
            path = self.weights.fetch(name) / name
            if path.is_file():
                return path
        with self.weights.loading():
            raise FileNotFoundError(f"no {' or '.join(self.files)}")
        raise AssertionError("unreachable: the block above raises")


def find_source(argument: str, cache: Path | None, size_mb: float = 0.0) -> ClipSource:
    """The model that ARCHITECTURE/TAG, ARCHITECTURE/FILE, hf-hub:ID or local-dir:FOLDER means.

    Parameters
    ----------
    cache: mmret's cache folder.
    size_mb: what a download of the weights takes, for the message.

    Raises `InputError` for what open_clip does not know.
    """
    scheme, _, reference = argument.partition(":")
    if scheme in ("hf-hub", "local-dir"):
        return _of_folder(reference, cache)
    return _of_architecture(argument, cache, size_mb)


def _of_folder(reference: str, cache: Path | None) -> ClipSource:
    weights = resolve(reference, cache=cache)
    path = weights.fetch(_CONFIG) / _CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        size = config["model_cfg"]["vision_cfg"].get("image_size", 224)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(f"{path}: not the configuration of a CLIP of open_clip: {error!r}") from error
    return ClipSource(weights, _transform(config.get("preprocess_cfg") or {}, size))


def _of_architecture(argument: str, cache: Path | None, size_mb: float) -> ClipSource:
    cpu_torch.prepare()
    import open_clip

    name, _, tag = argument.partition("/")
    built = open_clip.get_model_config(name)
    if built is None:
        raise unknown_name("architecture of open_clip", name, open_clip.list_models())
    size = built["vision_cfg"].get("image_size", 224)
    published = open_clip.get_pretrained_cfg(name, tag)
    if not published:
        file = local_path(tag)
        if not (tag and file.is_file()):
            raise unknown_name(f"weights of {name}", tag, open_clip.list_pretrained_tags_by_model(name))
        media = Media(file)
        digest_all([media], cache)
        weights = Weights(str(file), f"sha256:{media.digest[:32]}", file.parent)
        return ClipSource(weights, _transform({}, size), name, (file.name,))
    if built.get("quick_gelu") and not published.get("quick_gelu"):
        raise InputError(
            f"{name} computes QuickGELU and {tag} was trained without: name {name.replace('-quickgelu', '')}"
        )
    repository, _, file_name = published["hf_hub"].rpartition("/")
    return ClipSource(
        resolve(repository, cache=cache, size_mb=size_mb),
        _transform(published, size),
        name,
        _names(file_name),
        # open_clip itself would only warn, and give other vectors than the weights' authors.
        bool(published.get("quick_gelu")) and not built.get("quick_gelu"),
    )


def _names(published: str) -> tuple[str, ...]:
    """Names of a file of weights as open_clip looks for them, safetensors first."""
    if not published:
        return ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
    return tuple(dict.fromkeys((Path(published).with_suffix(".safetensors").name, published)))


def _transform(published: dict[str, Any], size: Any) -> dict[str, Any]:
    """Open_clip's `PreprocessCfg` as plain values."""
    cpu_torch.prepare()
    from open_clip.transform import PreprocessCfg

    usual = asdict(PreprocessCfg())
    own = {key: published[key] for key in usual if published.get(key) is not None}
    return usual | own | {"size": size}
