"""READ recorded events: files of any usual form into one trusted table, and what was dropped."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
