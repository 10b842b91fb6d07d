"""Rosters: tables of who is out when, from spreadsheets to shifts."""
