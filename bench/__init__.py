"""One script a headline figure. Each prints its conditions, a table, and as its last line one JSON object."""
