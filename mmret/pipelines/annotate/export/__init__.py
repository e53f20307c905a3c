"""The benchmark that comes out: chosen triplets with galleries, in the layouts of OmniCVR, with a data card."""

from .galleries import Gallery, galleries
from .stage import Exported, export_project, nothing
from .triplets import Chosen, Triplet, choose

__all__ = ["Chosen", "Exported", "Gallery", "Triplet", "choose", "export_project", "galleries", "nothing"]
