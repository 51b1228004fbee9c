"""What everything else stands on: dtypes, shapes, errors, argument checks, look-ups, seeds."""
