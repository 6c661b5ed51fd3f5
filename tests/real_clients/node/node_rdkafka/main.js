'use strict';
// The program around node-rdkafka.

const { librdkafkaVersion } = require('node-rdkafka');
const { librdkafka: ownVersion } = require('node-rdkafka/package.json');
const { pairs, run } = require('../program');
const { Admin } = require('./admin');
const { Consumer } = require('./consumer');
const { isPassing, nameOf } = require('./errors');
const { Producer } = require('./producer');

const { bootstrap } = pairs(process.argv.slice(2));
const config = {
  'bootstrap.servers': bootstrap,
  'reconnect.backoff.ms': 50,
  'reconnect.backoff.max.ms': 250,
  log_level: 2,
};

if (librdkafkaVersion !== ownVersion) {
  throw new Error(`it was given librdkafka ${librdkafkaVersion} instead of its own, ${ownVersion}`);
}

function make(kind, options) {
  switch (kind) {
    case 'producer':
      return Producer.make(config, options);
    case 'consumer':
      return Consumer.make(config, options);
    case 'admin':
      return Admin.make(config);
    default:
      throw new Error(`no client: ${kind}`);
  }
}

run(make, (error) => ({ name: nameOf(error), passing: isPassing(error) }));
