"""What a person painted: the labelled tiles, which part of them is kept apart, and the journal."""
