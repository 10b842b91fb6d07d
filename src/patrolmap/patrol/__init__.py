"""SOLVE patrol routes: depots, shifts and rules into a plan, and a checker that trusts nobody."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
