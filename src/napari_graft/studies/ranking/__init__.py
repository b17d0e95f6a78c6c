"""Whether the ranking of the sources foretells which turns out best."""
