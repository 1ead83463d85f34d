"""report.html: the texts of a run, coloured by what the model knows of them."""
