"""`make bench`: how fast the product is, in a quarter of an hour. A report, never a test: no test runs it.

Each row is a function that takes a Clinic and gives a Row; a new one is named in ROWS of `__main__.py`.
"""
