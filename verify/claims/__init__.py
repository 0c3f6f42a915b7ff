"""Text to claims: the rooms for slot filling and the article reader."""
