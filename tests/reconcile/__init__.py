"""The daily books: bills kept, days closed once, differences followed to their ends."""
