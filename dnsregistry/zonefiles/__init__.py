"""Master files in a folder: read, checked, watched, and served.

dnspython reads tokens, names and record data, and is imported when the first file is read: it
costs a sixth of a second. The frame around them is ours, because dnspython's own drops records
outside the zone without a word, names the wrong line, and includes any file there is.
"""
