"""Routes drawn by hand: read, matched to the streets, scored as a plan."""
