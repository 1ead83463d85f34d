"""The scores in a store: their addresses, which windows are missing, and writing, reading and listing them."""
