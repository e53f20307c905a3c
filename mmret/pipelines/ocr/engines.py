"""The engines by name."""

from __future__ import annotations

from ...errors import InputError, unknown_name
from ...extras import need
from .base import Engine
from .rapid import RapidOcr
from .tesseract import Tesseract

ENGINES = ("rapidocr", "tesseract", "endpoint")
"""Names of the engines."""


def create_engine(reference: str) -> Engine:
    """The engine that a reference means, not loaded yet.

        rapidocr                 PP-OCR, weights in the package
        tesseract[:LANGUAGES]    the program, "eng" unless named
        endpoint:MODEL@ADDRESS   HTML by a vision-language model at a server

    Raises `InputError` when it is unknown or not installed.
    """
    name, colon, argument = reference.partition(":")
    if name not in ENGINES:
        raise unknown_name("OCR engine", name, ENGINES)
    if name == "endpoint":
        from .endpoint import EndpointHtml

        return EndpointHtml(argument)
    if name == "tesseract":
        return Tesseract(argument) if argument else Tesseract()
    if colon:
        raise InputError("engine 'rapidocr' takes nothing behind a colon")
    need("engine 'rapidocr'", "tables", "rapidocr", "onnxruntime")
    return RapidOcr()
