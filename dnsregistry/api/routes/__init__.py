"""Every route with what is said of it: a file for each resource, put together by `table`."""
