"""The report: results of several versions become one page, a matrix and badges; `__main__` writes them."""
