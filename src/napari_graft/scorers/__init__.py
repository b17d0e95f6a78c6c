"""How well a source suits a target, measured in several ways, one a file, and the order of all."""
