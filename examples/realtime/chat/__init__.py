"""A chat: rooms, what was said in them, and who hears it."""
