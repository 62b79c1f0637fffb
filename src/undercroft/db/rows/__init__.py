"""What comes back: instances, their siblings, and what they remember of their row."""
