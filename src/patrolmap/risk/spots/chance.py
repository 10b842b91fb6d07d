"""Chances: tails of counts, and false discoveries among many tests."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def false_discovery(p: Floats) -> Floats:
    """Return Benjamini-Hochberg's q: the least rate of false discoveries at which each passes.

    NaN stay NaN and are not counted as tests (Benjamini & Hochberg 1995, doi
    10.1111/j.2517-6161.1995.tb02031.x).

    Examples
    --------
    >>> false_discovery(np.array([0.01, 0.04, np.nan, 0.03])).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    q = np.full(len(p), np.nan)
    asked = np.flatnonzero(~np.isnan(p))
    order = asked[np.argsort(p[asked], kind="stable")]
    raw = p[order] * len(order) / np.arange(1, len(order) + 1)
    q[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    return q


def binomial_tails(count: Floats, n: Floats, share: Floats | float) -> tuple[Floats, Floats]:
    """Return P(X <= count) and P(X >= count) of X binomial with n tries of chance `share`.

    Examples
    --------
    >>> lower, upper = binomial_tails(np.array([0.0, 2.0]), np.array([2.0, 2.0]), 0.5)
    >>> lower.tolist(), upper.tolist()
    ([0.25, 1.0], [1.0, 0.25])
    """
    from scipy.special import betainc

    share = np.broadcast_to(share, count.shape)
    lower, upper = np.ones(len(count)), np.ones(len(count))
    below, some = count < n, count > 0
    k, m, q = count[below], n[below], share[below]
    lower[below] = betainc(m - k, k + 1, 1 - q)
    k, m, q = count[some], n[some], share[some]
    upper[some] = betainc(k, m - k + 1, q)
    return lower, upper


def as_many(count: npt.NDArray[np.int64], mean: Floats, variance: Floats) -> Floats:
    """Return P(X >= count), X negative binomial, or Poisson where the variance is no more.

    Examples
    --------
    >>> as_many(np.array([0, 1, 1]), np.ones(3), np.array([1.0, 1.0, 4.0])).round(3).tolist()
    [1.0, 0.632, 0.37]
    """
    from scipy.special import betainc, gammainc

    mean = np.maximum(mean, 1e-12)
    p = np.ones(len(count))
    some = count > 0
    more = some & (variance > mean * (1 + 1e-9))
    shape = mean[more] ** 2 / (variance[more] - mean[more])
    p[more] = betainc(count[more], shape, 1 - mean[more] / variance[more])
    rest = some & ~more
    p[rest] = gammainc(count[rest], mean[rest])
    return p
