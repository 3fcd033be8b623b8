"""Parts of pages: rows of the store in, Dash components out; no queries, no callbacks."""
