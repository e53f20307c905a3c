"""tesseract: the program of that name."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from ...errors import InputError
from .base import Page, open_picture
from .layout import Line

PAGE_MODE = 4  # one column of text of varying sizes; 6, one block, finds nothing in tables
WORD_GAP = 0.8  # heights of the line: a wider gap parts cells
WORD = "5"  # tesseract's level of words


class Tesseract:
    """tesseract, one process a picture and one thread. Its words become pieces of cells by the gaps between them.

    Parameters
    ----------
    languages: tesseract's names, such as "eng" or "eng+chi_sim".
    """

    def __init__(self, languages: str = "eng") -> None:
        if shutil.which("tesseract") is None:
            raise InputError("engine 'tesseract' needs the program; install with: sudo apt-get install tesseract-ocr")
        try:
            told, known = (_run([option]).split("\n") for option in ("--version", "--list-langs"))
        except ValueError as error:
            raise InputError(f"engine 'tesseract' cannot be used: {error}") from error
        self.name = "tesseract"
        self.version = told[0].split()[-1]
        missing = set(languages.split("+")) - set(known[1:])
        if missing:
            packages = " ".join(f"tesseract-ocr-{name.replace('_', '-')}" for name in sorted(missing))
            raise InputError(
                f"tesseract lacks {', '.join(sorted(missing))}; install with: sudo apt-get install {packages}"
            )
        self.settings: Mapping[str, Any] = {"psm": PAGE_MODE, "languages": languages, "word gap": WORD_GAP}

    def load(self) -> None:
        """Nothing: each picture starts the program anew."""

    def read(self, picture: Path) -> Page:
        """The lines of a picture, no side of it above tesseract's 32,767 pixels."""
        with open_picture(picture) as image:
            header = f"P6 {image.width} {image.height} 255\n".encode()
            table = _run(
                ["stdin", "stdout", "--psm", str(PAGE_MODE), "-l", self.settings["languages"], "tsv"],
                header + image.tobytes(),
            )
            return Page(image.width, image.height, tuple(_pieces(table)))


def _run(arguments: list[str], given: bytes = b"") -> str:
    """What the program prints. Raises `ValueError` with its words where it fails."""
    environment = os.environ | {"OMP_THREAD_LIMIT": "1"}
    done = subprocess.run(["tesseract", *arguments], input=given, capture_output=True, env=environment, check=False)
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip()
        raise ValueError(f"tesseract: {words or f'ended with {done.returncode}'}")
    return done.stdout.decode(errors="replace")


def _pieces(table: str) -> Iterator[Line]:
    """Words joined where the gap between them is no wider than one between words."""
    rows = csv.DictReader(table.split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE)
    words = [row for row in rows if row["level"] == WORD and row["text"].strip()]
    for _, line in groupby(words, key=lambda row: (row["block_num"], row["par_num"], row["line_num"])):
        piece: list[Line] = []
        for word in sorted(map(_word, line), key=lambda word: word.box):
            if piece and word.box[0] - piece[-1].box[2] > WORD_GAP * _height([*piece, word]):
                yield _join(piece)
                piece = []
            piece.append(word)
        yield _join(piece)


def _word(row: Mapping[str, str]) -> Line:
    left, top, width, height = (int(row[name]) for name in ("left", "top", "width", "height"))
    return Line(row["text"].strip(), (left, top, left + width, top + height), max(float(row["conf"]), 0.0) / 100)


def _height(words: list[Line]) -> int:
    return max(word.box[3] - word.box[1] for word in words)


def _join(words: list[Line]) -> Line:
    """One piece of several words, as sure as the least sure of them."""
    lefts, tops, rights, bottoms = zip(*(word.box for word in words), strict=True)
    box = (min(lefts), min(tops), max(rights), max(bottoms))
    return Line(" ".join(word.text for word in words), box, min(word.confidence for word in words))
