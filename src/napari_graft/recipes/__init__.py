"""Recipes: how a source is trained from labelled images, written down so that anyone can repeat it."""
