"""One module a warehouse. Each gives `load` (stage, audit, publish a landing) and `loaded` (what Bronze holds)."""
