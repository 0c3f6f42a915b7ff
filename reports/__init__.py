"""Renderers of one `Report`. A renderer knows nothing of where the figures came from."""
