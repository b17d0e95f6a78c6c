"""Corrections of objects: tools that return edits, their journal on the disk, a queue of what to check."""
