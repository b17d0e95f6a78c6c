"""Bridging in a project: what is learned from, whether it will help, and the run that comes of it."""
