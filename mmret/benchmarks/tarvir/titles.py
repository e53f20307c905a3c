"""Titles drawn as pictures, above the picture of a table or alone."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ...errors import RunError
from ...items import Media, text_digest
from ...media.decode import on_white
from ...paths import cache_folder
from ...whole import write_whole
from .pictures import WAY_OUT

VERSION = 2
SIZE, MARGIN = 24, 8  # pixels
LEAST_WIDTH, ALONE_WIDTH = 320, 800
_NO_CHARACTER = "\uffff"

Font = ImageFont.FreeTypeFont


class Titles:
    """Draws titles into files of the cache, each named by the digest of what is in it; a second time none is drawn.

    The font is Pillow's own where it has all characters of a title, else the first of the system that fontconfig
    names for the missing ones.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._folder = cache_folder(cache) / "titles"
        self._fonts: dict[str, Font] = {}
        self._own = _own_font()

    @property
    def fonts(self) -> list[str]:
        """Families and styles of the fonts used so far."""
        return sorted({" ".join(filter(None, font.getname())) for font in self._fonts.values()})

    def above(self, title: str, picture: Media | None = None) -> Media:
        """The title above the picture, as wide as that or, when it is narrow, as 320 pixels; alone 800 pixels wide.

        A character that no font here has is drawn as a box, or what else the font has for it. A picture that cannot be
        read is handed back as it is, because the preflight names it. Raises `RunError` when fontconfig is missing.
        """
        font = self._font(title)
        try:
            stamp = _stamp(picture)
            key = f"{VERSION}\0{title}\0{font.getname()}\0{stamp}"
            path = self._folder / f"{text_digest(key)}.png"
            if not path.is_file():
                write_whole(path, _draw(title, picture, font), way_out=WAY_OUT)
        except (OSError, Image.DecompressionBombError, SyntaxError, ValueError):
            assert picture is not None  # without a picture nothing is read
            return picture
        return Media(path)

    def lacking(self, title: str) -> str:
        """The characters of a title that its font does not have."""
        return _missing(self._font(title), title)

    def _font(self, title: str) -> Font:
        missing = _missing(self._own, title)
        if missing not in self._fonts:
            self._fonts[missing] = _system_font(missing) if missing else self._own
        return self._fonts[missing]


def _stamp(picture: Media | None) -> str:
    if picture is None:
        return ""
    state = picture.path.stat()
    return f"{picture.path.resolve()}\0{picture.start}\0{picture.length}\0{state.st_size}\0{state.st_mtime_ns}"


def _own_font() -> Font:
    font = ImageFont.load_default(SIZE)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RunError("this Pillow was built without FreeType, so titles cannot be drawn; install Pillow's own wheel")
    return font


def _system_font(characters: str) -> Font:
    pattern = ":scalable=true:charset=" + " ".join(f"{ord(char):x}" for char in characters)
    command = ["fc-match", "-f", "%{file}\n%{index}", pattern]
    try:
        file, index = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
        return ImageFont.truetype(file, SIZE, index=int(index))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise RunError(
            f"no font for {characters!r} can be found: {error}; install fontconfig and a Noto font"
        ) from None


def _missing(font: Font, text: str) -> str:
    return "".join(sorted({char for char in text if not char.isspace() and not _has(font, char)}))


@cache
def _has(font: Font, char: str) -> bool:
    return bytes(font.getmask(char)) != bytes(font.getmask(_NO_CHARACTER))


def _draw(title: str, picture: Media | None, font: Font) -> bytes:
    below = None
    if picture is not None:
        with picture.open() as file, Image.open(file) as opened:
            below = on_white(opened)
    width = ALONE_WIDTH if below is None else max(below.width, LEAST_WIDTH)
    lines = "\n".join(_wrap(title, font, width - 2 * MARGIN))
    box = ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((MARGIN, MARGIN), lines, font)
    top = int(box[3]) + MARGIN
    drawn = Image.new("RGB", (width, top + (below.height if below else 0)), "white")
    ImageDraw.Draw(drawn).multiline_text((MARGIN, MARGIN), lines, "black", font)
    if below is not None:
        drawn.paste(below, (0, top))
    content = io.BytesIO()
    drawn.save(content, "PNG")
    return content.getvalue()


def _wrap(title: str, font: Font, width: int) -> Iterator[str]:
    """Lines no wider than `width`, broken at spaces or, within a word that is too wide, anywhere."""
    line = ""
    for word in title.split():
        joined = f"{line} {word}".lstrip()
        if font.getlength(joined) <= width:
            line = joined
            continue
        if line:
            yield line
        line = ""
        for char in word:
            if line and font.getlength(line + char) > width:
                yield line
                line = ""
            line += char
    yield line
