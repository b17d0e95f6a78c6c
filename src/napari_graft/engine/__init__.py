"""Long jobs in a process of their own: the side that works and the side that waits."""
