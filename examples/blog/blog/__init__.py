"""A blog: authors, posts, their pages and their API."""
