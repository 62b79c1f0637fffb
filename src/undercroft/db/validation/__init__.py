"""Whole instances checked before they are saved, with every mistake named at once."""
