"""What is done with orders, readings and reports."""
