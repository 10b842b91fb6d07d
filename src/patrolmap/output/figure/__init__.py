"""The picture that `plot` draws: the map's layers for paper, by matplotlib."""
