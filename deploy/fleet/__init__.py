"""A fleet's repository: signed bundles, and who is to run which, as a folder of static files."""
