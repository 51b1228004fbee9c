"""What runs a program. The NumPy engine is Python itself."""
