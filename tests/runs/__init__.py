"""Whole runs through the command line, of many kinds: `make test-runs`, since they take minutes."""
