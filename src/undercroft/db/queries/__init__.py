"""What is asked: shapes, look-ups and load plans, as values that know no SQL."""
