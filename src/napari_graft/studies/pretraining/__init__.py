"""Whether it pays to prepare a source on unlabelled images."""
