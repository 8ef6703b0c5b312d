"""The site: ``python -m docs`` builds it into docs/_build."""
