"""Ways to look at what a network sees, what it makes of it, and how runs differ."""
