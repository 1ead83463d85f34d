"""Lists, copies and removes everything that a store holds: scores, models, records of runs."""
