"""What is done with pictures: orders, readings, reports, critical results, and their clocks."""
