"""When events happened: moments, periods and intervals out of columns, and what is unknown."""
