"""Everything that a store holds, as one: scores, models, compiled programs, claims of runs; copied and removed."""
