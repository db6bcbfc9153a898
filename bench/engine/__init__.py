"""The matching core beside a bare price-time book in C++ on the same seeded workload: make bench NAME=engine."""
