"""What happens to orders, one generator a story: most end well; the others break by a cause, never by editing a row to look broken."""
