"""Several networks into one: channel orders brought in line, then weights merged, one method a file."""
