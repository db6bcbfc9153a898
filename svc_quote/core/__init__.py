"""Pure market data: values in, values out. No await, clock, I/O or stubs."""
