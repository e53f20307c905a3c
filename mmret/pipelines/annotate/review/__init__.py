"""People vote on triplets, in a page of their browser: queue, votes and server."""

from .desk import Desk, open_desk
from .items import Item, items_of
from .queue import Queue

__all__ = ["Desk", "Item", "Queue", "items_of", "open_desk"]
