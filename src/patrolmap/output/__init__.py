"""SHOW what was found: maps, route cards, tracks. Nothing here computes risk or routes."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
