"""Job files: named checks that run every night. `config` reads them, `runner` runs them, `trend` compares two runs."""
