"""The stages' images, and runs of the compiled pipeline in real containers: make test-containers."""
