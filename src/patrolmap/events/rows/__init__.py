"""What each row tells: category, traits, twins; and which rows fall through, and why."""
