"""Whether claims are false as often as they say: simulations that take a minute (`make test-truth`)."""
