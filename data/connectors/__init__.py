"""The tools a base works in, one file a tool: read `connector.py`, then `label_studio.py`, then write the next one."""
