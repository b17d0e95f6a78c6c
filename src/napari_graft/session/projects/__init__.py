"""Projects: made, described, linked to their images again, and what is known of these."""
