"""Simulations that hold error rates and intervals to what they promise (`make test-truth`)."""
