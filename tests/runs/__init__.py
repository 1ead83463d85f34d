"""What takes minutes: whole runs of many kinds through the command line, and layouts of devices (`make test-runs`)."""
