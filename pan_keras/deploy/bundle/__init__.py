"""The folder that ships: its files, what they say of themselves, and their verification."""
