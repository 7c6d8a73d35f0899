"""Layouts are data: one TOML describes one file format, and the same file writes, reads back and explains it.

``pipeline.layouts.layout`` is the door: everything that other rooms need is there.
"""
