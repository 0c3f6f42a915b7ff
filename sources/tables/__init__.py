"""Tables of one's own: files and databases, read through a small mapping, named where they cannot be read."""
