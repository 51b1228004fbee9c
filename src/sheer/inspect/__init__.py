"""The views of a program, of one step of it, and of a model."""
