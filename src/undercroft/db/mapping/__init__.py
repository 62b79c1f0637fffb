"""What a model is: its options, its relations, the register of all models."""
