"""Tables as pictures and as text: TaR-ViR (ICLR 2026, also Tab-ViR), NQ-TABLES, and any corpus, queries and qrels."""

from .fields import FieldMap
from .hub import is_on_hub, plan_dataset
from .read import corpus_files, open_corpus, read_tables
from .records import Corpus, Grid, Html, Plain, Positive, Question, TableRecord
from .releases import TABLES, TableRelease, read_named
from .triples import LAYOUT
from .view import CONTENTS, TITLES, View

__all__ = [
    "CONTENTS",
    "LAYOUT",
    "TABLES",
    "TITLES",
    "Corpus",
    "FieldMap",
    "Grid",
    "Html",
    "Plain",
    "Positive",
    "Question",
    "TableRecord",
    "TableRelease",
    "View",
    "corpus_files",
    "is_on_hub",
    "open_corpus",
    "plan_dataset",
    "read_named",
    "read_tables",
]
