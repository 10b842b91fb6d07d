"""Files, pages and databases of any usual form, opened as a `Source`: cells, geometry, CRS."""
