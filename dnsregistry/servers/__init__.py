"""Sockets: datagrams and connections in, replies out, and nothing known of what they say."""
