"""What the tabs share: bindings, the theme, and small widgets."""
