"""The audit of the project's dependencies: licences, a bill of materials for each lock, known vulnerabilities."""
