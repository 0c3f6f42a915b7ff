"""One file per provider, and the machinery that all of them share."""
