"""The page that `explore` makes: what it says, packed, and the one file it stands in."""
