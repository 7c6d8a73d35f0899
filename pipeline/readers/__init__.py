"""Readers: one per foreign format that is more than columns."""
