"""Media named in a benchmark's files: paths relative to its folder, which may lead into a tar archive."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from ..items import Media
from ..media import members


class Files:
    """Finds the media of a benchmark.

    Parameters
    ----------
    folder: the benchmark's folder.
    cache: where the indices of archives are kept.
    """

    def __init__(self, folder: Path, cache: Path | None = None) -> None:
        self._folder = folder.absolute()
        self._cache = cache
        self._archives: dict[Path, dict[str, Media]] = {}

    def media(self, name: str) -> Media:
        """The file of that relative path; `clips.tar/a.mp4` is the member `a.mp4` of an archive.

        A file that does not exist is no error here: the preflight names it.
        """
        path = PurePosixPath(name)
        for parent in path.parents:
            if parent.suffix == ".tar" and (self._folder / parent).is_file():
                inside = str(path.relative_to(parent))
                return self._members(self._folder / parent).get(inside, Media(self._folder / path))
        return Media(self._folder / path)

    def _members(self, archive: Path) -> dict[str, Media]:
        if archive not in self._archives:
            self._archives[archive] = members(archive, self._cache)
        return self._archives[archive]
