"""The jobs of this program, one a file; `registry` names them, and finds those of plugins beside them."""
