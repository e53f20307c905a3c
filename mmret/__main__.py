"""`python -m mmret` is the command `mmret`."""

from .cli import main

main()
