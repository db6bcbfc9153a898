"""What order entry and order history decide: no await, no clock, no I/O."""
