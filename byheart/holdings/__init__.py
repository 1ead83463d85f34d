"""Lists, copies and removes everything that a store holds: scores, models, compiled programs, records of runs."""
