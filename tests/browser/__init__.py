"""report.html in Debian's Chromium: from a disk, and in a frame as Kubeflow's (`make test-browser`)."""
