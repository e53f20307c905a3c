"""The board on the web: a read and upload API under `/api/v1/`, and the pages."""
