'use strict';
// What its producers, consumers and administrators have in common.

const { promisify } = require('node:util');

/** How long a call may take that ought to end at once. */
const PATIENCE_MS = 60_000;

/** Calls a method whose last parameter is a callback, and waits for what that is given. */
function call(client, method, ...parameters) {
  return promisify(client[method]).call(client, ...parameters);
}

async function connect(client) {
  await call(client, 'connect', { timeout: PATIENCE_MS });
}

/** The longest time for which brokers have throttled a client, which tells of it by itself. */
class ThrottleTimes {
  longestMs = 0;

  constructor(client) {
    client.on('event.throttle', ({ throttleTime }) => {
      this.longestMs = Math.max(this.longestMs, throttleTime);
    });
  }
}

module.exports = { PATIENCE_MS, ThrottleTimes, call, connect };
