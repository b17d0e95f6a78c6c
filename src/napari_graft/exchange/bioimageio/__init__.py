"""Sources as packages of bioimage.io: read, checked and written."""
