"""Streets that stand out: hotspots, statistics of counts, trends, near repeats."""
