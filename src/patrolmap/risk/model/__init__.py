"""What later events are expected on every segment, learned from those recorded."""
