"""Tables and pages to pictures: HTML in a browser or without one, and pages of PDF files."""

from .documents import Document, PdfPage
from .render import Report, render
from .settings import ENGINES, STYLES, Settings
from .sources import read_documents

__all__ = ["ENGINES", "STYLES", "Document", "PdfPage", "Report", "Settings", "read_documents", "render"]
