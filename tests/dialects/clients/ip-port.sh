# Register a service
curl -X POST http://localhost:3100/register \
  -H "Content-Type: application/json" \
  -d '{"name":"test-service","ip":"127.0.0.1","port":4000}'

# Send heartbeat  
curl -X POST http://localhost:3100/heartbeat \
  -H "Content-Type: application/json" \
  -d '{"name":"test-service","ip":"127.0.0.1","port":4000}'

# Resolve service
curl http://localhost:3100/resolve/test-service

# List all services
curl http://localhost:3100/services

# Get statistics
curl http://localhost:3100/stats
