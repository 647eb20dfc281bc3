const axios = require('axios');

class ServiceClient {
  constructor(serviceName, servicePort, registryUrl = 'http://localhost:3100') {
    this.serviceName = serviceName;
    this.servicePort = servicePort;
    this.serviceIp = '127.0.0.1';
    this.registryUrl = registryUrl;
    this.heartbeatInterval = null;
  }

  async register() {
    try {
      await axios.post(`${this.registryUrl}/register`, {
        name: this.serviceName,
        ip: this.serviceIp,
        port: this.servicePort,
        metadata: {
          version: '1.0.0',
          startTime: new Date().toISOString()
        }
      });
      
      console.log(`Service ${this.serviceName} registered successfully`);
      this.startHeartbeat();
    } catch (error) {
      console.error('Registration failed:', error.message);
    }
  }

  startHeartbeat() {
    this.heartbeatInterval = setInterval(async () => {
      try {
        await axios.post(`${this.registryUrl}/heartbeat`, {
          name: this.serviceName,
          ip: this.serviceIp,
          port: this.servicePort
        });
        
        console.log('Heartbeat sent');
      } catch (error) {
        console.error('Heartbeat failed:', error.message);
      }
    }, 5000); // 5 seconds
  }

  async deregister() {
    if (this.heartbeatInterval) {
      clearInterval(this.heartbeatInterval);
    }
    
    try {
      await axios.delete(
        `${this.registryUrl}/services/${this.serviceName}/instances?ip=${this.serviceIp}&port=${this.servicePort}`
      );
      console.log('Service deregistered successfully');
    } catch (error) {
      console.error('Deregistration failed:', error.message);
    }
  }
}

// Usage
const client = new ServiceClient('user-service', 3001);
client.register();

// Graceful shutdown
process.on('SIGINT', async () => {
  await client.deregister();
  process.exit(0);
});
