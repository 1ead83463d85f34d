"""What the project brings along from others: licences, a bill of materials for each lock, known vulnerabilities."""
