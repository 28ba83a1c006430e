"""`make bench`: how fast the product is beside a bare floor on the same PostgreSQL server. See docs/performance.md."""
