"""Foot and night patrol routes from crime, road-accident and juvenile-offence maps, offline.

Every public name stands here and loads on first use; see the README for the five-line start.
"""

import lazy_loader as _lazy

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
