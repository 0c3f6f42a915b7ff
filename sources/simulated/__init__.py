"""A SIMULATED market with known truth: what happened, and what feeds, aggregators and outlets show of it."""
