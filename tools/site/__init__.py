"""What the documentation's site has beside its pages; mkdocs.yml names `hooks.py`."""
