'use strict';

const Kafka = require('node-rdkafka');
const { Mailbox, bytes } = require('../program');
const { PATIENCE_MS, ThrottleTimes, call, connect } = require('./client');
const { nameOf } = require('./errors');

// How often it looks for what has become of its records.
const POLL_INTERVAL_MS = 5;
// What has no memory is null for it, so what is empty is an empty part of this.
const BYTE = Buffer.alloc(1);

class Producer {
  #client;
  #throttleTimes;
  #outcomes = new Mailbox();

  static async make(config, options) {
    const producer = new Producer();
    // Settings of topics have no effect among those of the producer.
    producer.#client = new Kafka.Producer({
      ...config,
      'client.id': options.client_id,
      'enable.idempotence': options.idempotent === 'true',
      'compression.codec': options.codec,
      'message.max.bytes': Number(options.request_bytes_max),
      'linger.ms': 5,
      'retry.backoff.ms': 50,
      dr_cb: true,
    }, { acks: 'all', 'delivery.timeout.ms': 240_000 });
    producer.#throttleTimes = new ThrottleTimes(producer.#client);
    producer.#client.on('delivery-report', (error, { opaque, offset }) => {
      producer.#outcomes.put(error ? refused(opaque, error) : [opaque, offset, null]);
    });
    await connect(producer.#client);
    producer.#client.setPollInterval(POLL_INTERVAL_MS);
    return producer;
  }

  send(topic, partition, timestamp, tag, key, value, ...headers) {
    try {
      this.#client.produce(topic, Number(partition), content(value), content(key), Number(timestamp), Number(tag),
        headers.map(header));
    } catch (error) {
      this.#outcomes.put(refused(Number(tag), error));
    }
  }

  outcomes(milliseconds) {
    return this.#outcomes.take(Number(milliseconds));
  }

  throttled_ms() {
    return this.#throttleTimes.longestMs;
  }

  async close() {
    await call(this.#client, 'flush', PATIENCE_MS);
    // It polls until it is disconnected, and so now and then what another of its threads has deleted already.
    this.#client.setPollInterval(0);
    await call(this.#client, 'disconnect', PATIENCE_MS);
    return null;
  }
}

function content(word) {
  return word === '' ? BYTE.subarray(0, 0) : bytes(word);
}

function refused(tag, error) {
  return [tag, null, nameOf(error) ?? String(error.message)];
}

/** It makes text of a value, whatever it is. */
function header(word) {
  const [name, value] = word.split(':').map((part) => bytes(part).toString());
  return { [name]: value };
}

module.exports = { Producer };
