"""The program's numbers for Prometheus, a collector a file.

Nothing is counted here: the parts count in plain numbers, and a scrape reads them. No collector
looks at all instances or services, and no label has more values than its metric says.
"""
