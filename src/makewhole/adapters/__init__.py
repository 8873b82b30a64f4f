"""Everything foreign is spoken to here, one wing a kind; each translates foreign errors into the four faults and leaks no foreign type."""
