"""Route cards: what a crew carries. Words -> rows -> what to look for -> card -> PDF or HTML."""
