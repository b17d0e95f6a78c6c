"""Pretraining of a source on unlabelled images: self-supervision and replay in turn."""
