"""What a column is: field functions, types, the conversion and limits of values."""
