"""The originals: every file in the folders of the sources, known by its content."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ....errors import InputError, first_ten
from ....items import NO_CONTENT, Media
from ....media import digest_all
from ..config import Config, Source
from ..records import Record


class Original(Record):
    """A file that may be a video.

    Parameters
    ----------
    id: SOURCE/PATH.
    sha256: digest of its content.
    licence: that of its source.
    same_as: the first original with the same content; "" where this is the first.
    """

    id: str
    sha256: str
    licence: str
    same_as: str = ""


def list_originals(config: Config, *, show: bool = False) -> dict[Path, Original]:
    """Path → original, ordered by source and path. Digests are kept in the project folder.

    Raises `InputError` for a source that is no folder, for a file of two sources or whose name is not in UTF-8, and
    where there is no file at all.
    """
    found: dict[Path, Source] = {}
    for source in config.source:
        for path in _files(source, config.project.folder):
            if path in found:
                raise InputError(f"{path}: stands in two sources, {found[path].name} and {source.name}; name it in one")
            found[path] = source
    if not found:
        raise InputError(f"{', '.join(str(one.folder) for one in config.source)}: there is no file")
    names = [f"{source.name}/{path.relative_to(source.folder).as_posix()}" for path, source in found.items()]
    foreign = [repr(name) for name in names if name != name.encode(errors="replace").decode()]
    if foreign:
        raise InputError(f"names of files that are not in UTF-8; rename them: {first_ten(foreign)}")
    media = [Media(path) for path in found]
    digest_all(media, config.project.folder / "state", show=show)
    first: dict[str, str] = {}
    originals = {}
    for one, name, (path, source) in zip(media, names, found.items(), strict=True):
        same_as = first.setdefault(one.digest, name) if one.digest != NO_CONTENT else name
        originals[path] = Original(
            id=name, sha256=one.digest, licence=source.licence, same_as="" if same_as == name else same_as
        )
    return originals


def _files(source: Source, project: Path) -> Iterator[Path]:
    if not source.folder.is_dir():
        raise InputError(f"source {source.name}: {source.folder} is no folder")
    for path in sorted(source.folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(source.folder).parts)
        if path.is_file() and not hidden and not path.is_relative_to(project):
            yield path
