"""The two forms of the heat map: rows and strip."""
