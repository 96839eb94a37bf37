"""Two static pages, offline and without row-level data: complaints (`cx`), and whether to trust them (`runs`)."""
