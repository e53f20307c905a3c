"""Tables as data: read from HTML or lists, written as text, described, and disturbed on purpose."""

from .cells import EMPTY, Cell
from .features import Band, area_band, features, image_features
from .perturbations import PERTURBATIONS, Perturbation, parse_perturbation
from .pictures import read_picture
from .serialise import SERIALISERS, serialise
from .table import Table

__all__ = [
    "EMPTY",
    "PERTURBATIONS",
    "SERIALISERS",
    "Band",
    "Cell",
    "Perturbation",
    "Table",
    "area_band",
    "features",
    "image_features",
    "parse_perturbation",
    "read_picture",
    "serialise",
]
