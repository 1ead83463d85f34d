"""A model that others have trained, on texts that everyone has met, beside controls that were written for this.

make real                 # fetches the model, measures, and writes docs/real.md and its picture
make test-real            # measures, and compares the numbers with those of docs/real.md's table
"""
