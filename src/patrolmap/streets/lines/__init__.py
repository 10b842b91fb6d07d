"""From lines with tags to segments: sidewalks folded, squares crossed, split, joined, kept."""
