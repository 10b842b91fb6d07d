"""OSM files, tables, graphs and downloads, as lines with tags; places and areas beside them."""
