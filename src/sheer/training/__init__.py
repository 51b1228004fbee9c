"""The step, traced and run as a program; the loop over epochs; the data."""
