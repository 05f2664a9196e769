"""Small families in everyday words whose difficulty is serial depth: each can be written out, none can be guessed."""

NAMES = ("Ann", "Bob", "Tom", "Sam", "Kim", "Max", "Dan", "Jim", "Ben", "Ray", "Lee", "Amy")
"""People; one token each in common vocabularies."""
