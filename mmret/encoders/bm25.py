"""bm25: which words a query and a document share, by bm25s (Lù 2024, arXiv 2407.03618)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, unknown_name
from ..items import Item, Media
from .base import Options, Spec
from .captioners import Listener, create_captioner, identity
from .choices import number, one_of
from .registry import register_encoder

# Scripts without spaces between words: each character is a token.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_PATTERNS = {
    "all": rf"[{_CJK}]|[^\W{_CJK}]+",  # digits and letters that stand alone too: tables are full of them
    "words": r"(?u)\b\w\w+\b",  # bm25s's own: two characters and more
}


@register_encoder
class BM25:
    """Scores the text of a document for the text of a query by the words they share.

    Choices: `k1`, `b`, `delta` (of bm25l and bm25+), `variant`, `tokens` ("all", or "words" of two characters and more,
    as bm25s has it), `stopwords` ("english" or "none"), `stemmer` ("none", or a language of PyStemmer), `captioner`:
    who writes the sound of a document out as words beside its text (see `mmret.encoders.captioners`; "none").
    """

    spec = Spec(
        name="bm25",
        revision="1",
        query=frozenset({"text"}),
        document=frozenset({"text"}),
        summary="BM25 over the words of a query and of a document's text",
        licence="Apache-2.0 AND MIT",
        scoring="pairs",
        packages=("bm25s",),
        limits="Needs documents with text, such as captions or tables; knows no synonyms.",
    )

    def __init__(self, options: Options) -> None:
        self._k1 = number(options, "k1", 1.5)
        self._b = number(options, "b", 0.75)
        self._delta = number(options, "delta", 0.5)
        self._variant = one_of(options, "variant", ("lucene", "robertson", "atire", "bm25l", "bm25+"))
        self._tokens = one_of(options, "tokens", tuple(_PATTERNS))
        self._stopwords = one_of(options, "stopwords", ("english", "none"))
        self._stem = _stemmer(options.choices.get("stemmer", "none"))
        self._captioner = create_captioner(options.choices.get("captioner", "none"), options)
        self._listener = None if self._captioner.name == "none" else Listener(self._captioner, options)
        self.preprocessing: Mapping[str, Any] = {
            "k1": self._k1, "b": self._b, "delta": self._delta, "variant": self._variant, "tokens": self._tokens,
            "pattern": _PATTERNS[self._tokens], "lower": True, "stopwords": self._stopwords,
            "stemmer": options.choices.get("stemmer", "none"), "captioner": options.choices.get("captioner", "none"),
            "written_by": identity(self._captioner), **self._captioner.settings,
        }  # fmt: skip
        if self._listener is not None:
            self.spec = replace(
                self.spec,
                document=self.spec.document | {"audio"},
                sound_as_text=True,
                parameters=self._captioner.parameters,
                family=self._captioner.family,
                revision=f"{self.spec.revision} + {self._captioner.revision}",
            )
        self._index: Any = None
        self._indexed = 0
        self._rows: dict[tuple[str | None, Media | None], int] = {}  # where each document stands among the indexed ones

    def index(self, documents: Sequence[Item]) -> None:
        """Learn how rare each word is and how long documents are; a text that several have counts for each."""
        import bm25s

        tokens = self._tokenise(self._texts(documents))
        self._rows = {(item.text, item.audio): row for row, item in enumerate(documents)}
        self._indexed, self._index = len(documents), None
        if any(tokens):  # bm25s cannot index a collection without a word
            self._index = bm25s.BM25(
                k1=self._k1, b=self._b, delta=self._delta, method=self._variant, dtype="float64", auto_compile=False
            )
            self._index.index(tokens, show_progress=False)

    def score(self, queries: Sequence[Item], documents: Sequence[Item]) -> NDArray[np.float64]:
        """Scores float64 `(len(queries), len(documents))`; the documents are among those indexed."""
        columns = np.array([self._rows[item.text, item.audio] for item in documents], np.int64)
        tokens = self._tokenise([item.text or "" for item in queries])
        return np.stack([self._score(own)[columns] for own in tokens])

    def _texts(self, documents: Sequence[Item]) -> list[str]:
        """The text of each document, followed by the caption of its sound."""
        texts = [item.text or "" for item in documents]
        if self._listener is None:
            return texts
        captions = self._listener.captions(documents)
        return [f"{text} {caption.text if caption else ''}" for text, caption in zip(texts, captions, strict=True)]

    def _score(self, tokens: list[str]) -> NDArray[np.float64]:
        """Scores of all indexed documents, float64 `(indexed,)`."""
        known = self._index.get_tokens_ids(tokens) if self._index is not None else []
        if not known:
            return np.zeros(self._indexed)
        scores: NDArray[np.float64] = self._index.get_scores_from_ids(known)
        return scores

    def _tokenise(self, texts: list[str]) -> list[list[str]]:
        import bm25s

        tokens: list[list[str]] = bm25s.tokenize(
            texts,
            token_pattern=_PATTERNS[self._tokens],
            stopwords=[] if self._stopwords == "none" else self._stopwords,
            stemmer=self._stem,
            return_ids=False,
            show_progress=False,
        )
        return tokens


def _stemmer(language: str) -> Any:
    """A stemmer of PyStemmer, or None."""
    if language == "none":
        return None
    try:
        import Stemmer
    except ImportError:
        raise InputError("stemmers need PyStemmer; install with: pip install PyStemmer") from None
    try:
        return Stemmer.Stemmer(language)
    except KeyError:
        raise unknown_name("stemmer", language, ["none", *Stemmer.algorithms()]) from None
