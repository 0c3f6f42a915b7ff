"""What figures of one and of several lineages say together."""
