"""One module per primitive, named like it, whose `CASES` say what it must do."""
