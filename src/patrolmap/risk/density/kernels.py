"""Kernels by name: how what an event counts for falls off with distance."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrolmap.errors import OptionError

GAUSSIAN_SIGMAS = 3.0
"""The Gaussian is cut off at this many standard deviations: sigma = bandwidth / 3."""


@dataclass(frozen=True)
class Kernel:
    """A kernel k(u) of the distance in bandwidths, u = d / bandwidth; 0 beyond u = 1.

    Attributes
    ----------
    name : str
    powers : tuple of float
        k(u) = c * sum(powers[i] * u**i) for 0 <= u <= 1; empty for the Gaussian, which is
        c * exp(-(3 u)**2 / 2).
    line : float
        The c that makes the integral over a line, both ways, 1.
    disc : float
        The c that makes the integral over the unit disc 1.
    """

    name: str
    powers: tuple[float, ...]
    line: float
    disc: float

    def at(self, u: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return k(u) / c for distances in bandwidths, none of them beyond 1."""
        if self.powers:
            return np.asarray(np.polynomial.polynomial.polyval(u, self.powers), dtype=np.float64)
        return np.asarray(np.exp(-((GAUSSIAN_SIGMAS * u) ** 2) / 2), dtype=np.float64)


_TAIL = GAUSSIAN_SIGMAS**2 / 2

KERNELS = {
    kernel.name: kernel
    for kernel in (
        Kernel("quartic", (1.0, 0.0, -2.0, 0.0, 1.0), 15 / 16, 3 / math.pi),
        Kernel("epanechnikov", (1.0, 0.0, -1.0), 3 / 4, 2 / math.pi),
        Kernel("triangular", (1.0, -1.0), 1.0, 3 / math.pi),
        Kernel("uniform", (1.0,), 1 / 2, 1 / math.pi),
        Kernel(
            "gaussian",
            (),
            GAUSSIAN_SIGMAS / (math.sqrt(2 * math.pi) * math.erf(GAUSSIAN_SIGMAS / math.sqrt(2))),
            _TAIL / (math.pi * -math.expm1(-_TAIL)),
        ),
    )
}  # fmt: skip


def kernel_named(name: str) -> Kernel:
    """Return the kernel of that name, or raise `OptionError` with the names there are.

    Examples
    --------
    >>> kernel_named("epanechnikov").line
    0.75
    """
    kernel = KERNELS.get(name) if isinstance(name, str) else None
    if kernel is None:
        raise OptionError(f"kernel={name!r}; wanted one of {list(KERNELS)}.")
    return kernel
