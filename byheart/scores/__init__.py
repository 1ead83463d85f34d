"""The scores of a store: where they lie, which windows are missing, and how they are written, read and listed."""
