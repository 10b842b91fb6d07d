"""An ArcGIS map service as a source: questions put to it, and all of its rows, each once."""
