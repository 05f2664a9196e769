"""Arms x seeds of recipes, and what they come to with the seed as the unit."""
