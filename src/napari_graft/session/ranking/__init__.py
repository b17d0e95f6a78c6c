"""The ranking of the sources: the evidence on each, their order, and the map of all."""
