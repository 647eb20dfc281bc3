async function resolveService(serviceName) {
  try {
    const response = await axios.get(`http://localhost:3100/resolve/${serviceName}`);
    const instances = response.data.instances;
    
    if (instances.length === 0) {
      throw new Error(`No healthy instances for ${serviceName}`);
    }
    
    // Return first healthy instance
    return {
      ip: instances[0].ip,
      port: instances[0].port
    };
  } catch (error) {
    console.error('Service resolution failed:', error.message);
    throw error;
  }
}

// Usage
const userService = await resolveService('user-service');
const apiUrl = `http://${userService.ip}:${userService.port}`;
