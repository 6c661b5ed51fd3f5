'use strict';
// What an error is called in librdkafka, and whether it passes by itself.

const { CODES } = require('node-rdkafka');
const LibrdKafkaError = require('node-rdkafka/lib/error');

// What librdkafka reports while a broker is away or a group is on the move.
const PASSING = new Set([
  '_TRANSPORT', '_ALL_BROKERS_DOWN', '_TIMED_OUT', '_RESOLVE', '_WAIT_COORD', '_NO_OFFSET', '_STATE',
  'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS', 'REQUEST_TIMED_OUT',
  'REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID',
]);

// Errors that come from its threads have lost their code on the way, but not their text.
const NAMES_BY_CODE = new Map();
const NAMES_BY_TEXT = new Map();
for (const [constant, code] of Object.entries(CODES.ERRORS)) {
  // Some codes have an older name too, which comes second.
  if (code !== CODES.ERRORS.ERR_UNKNOWN && !NAMES_BY_CODE.has(code)) {
    const name = constant.replace(/^ERR_/, '');
    NAMES_BY_CODE.set(code, name);
    NAMES_BY_TEXT.set(LibrdKafkaError.create(code).message.toLowerCase(), name);
  }
}

/** The name of an error, or null. */
function nameOf(error) {
  const text = `${error.origin}: ${error.message}`.toLowerCase();
  return NAMES_BY_CODE.get(error.code) ?? NAMES_BY_TEXT.get(text) ?? null;
}

function isPassing(error) {
  return PASSING.has(nameOf(error));
}

module.exports = { LibrdKafkaError, isPassing, nameOf };
