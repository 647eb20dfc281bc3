curl -X POST http://localhost:5000/api/register \
  -H "Content-Type: application/json" \
  -d '{
    "id": "hello-service",
    "name": "Hello Service",
    "version": "1.0.0",
    "capabilities": ["greet", "farewell"],
    "location": "http://localhost:3000",
    "mode": "http"
  }'
curl http://localhost:5000/api/services
curl http://localhost:5000/api/capabilities/greet
curl http://localhost:5000/api/services/hello-service
curl -X DELETE http://localhost:5000/api/services/hello-service
curl http://localhost:5000/health
