"""Migrations, in order; written by `undercroft makemigrations`, yours to edit."""
