// The heartbeat route on Express 5: what somebody writes who needs only that.
'use strict'
const express = require('express')

const TTL = 30
const deadlines = new Map()
for (let number = 0; number < Number(process.env.INSTANCES); number++) {
  deadlines.set(`i-${String(number).padStart(7, '0')}`, 0)
}

const app = express()
app.post('/v1/instances/:id/heartbeat', (request, response) => {
  if (!deadlines.has(request.params.id)) {
    response.status(404).json({ detail: 'unknown-instance' })
    return
  }
  const deadline = Date.now() + TTL * 1000
  deadlines.set(request.params.id, deadline)
  response.json({ expires_at: new Date(deadline).toISOString(), ttl: TTL })
})
app.listen(Number(process.env.PORT), '127.0.0.1')
