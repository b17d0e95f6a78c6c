"""Each labelled set as a stranger's."""
