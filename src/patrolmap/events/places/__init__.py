"""Where events happened: coordinates found, their system settled, nonsense told from sense."""
