"""Verifies finished results: by hashes, by computing everything anew from the scores, and by scoring windows anew."""
