"""The clips in tars, as the public layout has them."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ....errors import RunError
from ....progress import bar
from ..records import Clip
from .sums import digest_of
from .triplets import file_of

TAR = 1 << 30  # bytes of clips in a tar


def write_clips(clips: Sequence[Clip], path: Callable[[str], Path], folder: Path, *, show: bool) -> None:
    """Write clips into `videos/omnivideos-*.tar`, by id; nothing in a tar depends on when or by whom it is written.

    Parameters
    ----------
    path: where the clip of an id lies.

    Raises `RunError` for a clip that is not the one that was cut.
    """
    (folder / "videos").mkdir()
    with bar(len(clips), "write clips", "clip", show=show) as progress:
        for number, some in enumerate(_portions(clips, path)):
            with tarfile.open(folder / "videos" / f"omnivideos-{number:05d}.tar", "w") as archive:
                for clip in some:
                    _add(archive, clip, path(clip.id))
                    progress.update()


def _portions(clips: Sequence[Clip], path: Callable[[str], Path]) -> Iterator[list[Clip]]:
    """As many clips together as fit a tar, one at least."""
    some: list[Clip] = []
    size = 0
    for clip in clips:
        file = path(clip.id)
        if not file.is_file():
            raise RunError(f"{file}: the clip is missing; cut it again with: mmret annotate segment")
        length = file.stat().st_size
        if some and size + length > TAR:
            yield some
            some, size = [], 0
        some.append(clip)
        size += length
    yield some


def _add(archive: tarfile.TarFile, clip: Clip, path: Path) -> None:
    info = tarfile.TarInfo(file_of(clip.id))
    if digest_of(path) != clip.sha256:
        raise RunError(f"{path}: is not the clip that was cut; delete it and run: mmret annotate segment")
    info.size = path.stat().st_size
    with path.open("rb") as file:
        archive.addfile(info, file)
