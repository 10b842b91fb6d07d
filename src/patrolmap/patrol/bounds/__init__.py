"""Proved bounds on what walks can collect: linear programs that every plan obeys."""
