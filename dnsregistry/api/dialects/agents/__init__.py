"""The registry of agents: actions over ZeroMQ and by HTTP POST, on one port."""
