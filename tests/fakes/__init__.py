"""Small real classes that stand in for the outside and the ledger."""
