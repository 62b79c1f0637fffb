"""What keeps others out: signed values, and the checks that belong to no one feature."""
