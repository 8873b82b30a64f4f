"""Images of the shop's orders every 15 minutes, kept as one Delta Lake table: a folder or an object store, readable by any lake reader."""
