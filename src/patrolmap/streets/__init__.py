"""READ the street network: local OSM files and tables of lines, places, snapping."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
