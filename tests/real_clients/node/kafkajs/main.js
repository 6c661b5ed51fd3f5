'use strict';
// The program around kafkajs.

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = require('kafkajs');
const snappy = require('kafkajs-snappy');
const lz4 = require('lz4js');
const zstd = require('@bokuweb/zstd-wasm');
const { pairs, run } = require('../program');
const { Admin } = require('./admin');
const { Consumer } = require('./consumer');
const { Producer } = require('./producer');

// It brings gzip; for the other codecs it is given libraries.
CompressionCodecs[CompressionTypes.Snappy] = snappy;
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async (encoder) => Buffer.from(lz4.compress(encoder.buffer)),
  decompress: async (buffer) => Buffer.from(lz4.decompress(buffer)),
});
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async (encoder) => Buffer.from(zstd.compress(encoder.buffer)),
  decompress: async (buffer) => Buffer.from(zstd.decompress(buffer)),
});

const { bootstrap } = pairs(process.argv.slice(2));
const kafka = new Kafka({
  brokers: [bootstrap],
  logLevel: logLevel.NOTHING,
  // A broker that is killed comes back, however often it was asked meanwhile.
  retry: { initialRetryTime: 50, maxRetryTime: 250, retries: 200 },
});

function make(kind, options) {
  switch (kind) {
    case 'producer':
      return Producer.make(kafka, options);
    case 'consumer':
      return Consumer.make(kafka, options);
    case 'admin':
      return Admin.make(kafka);
    default:
      throw new Error(`no client: ${kind}`);
  }
}

function judge(error) {
  // One that gave up, or that failed for several things, has the reason inside.
  const inner = error.errors?.[0] ?? error.cause ?? error;
  // While the broker is away there is no coordinator, and it says so without the reason.
  const passing = inner.retriable || error.retriable || error.name === 'KafkaJSGroupCoordinatorNotFound';
  return { name: inner.type ?? null, passing: Boolean(passing) };
}

zstd.init().then(() => run(make, judge));
