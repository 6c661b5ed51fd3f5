'use strict';

const Kafka = require('node-rdkafka');
const { base64, pairs } = require('../program');
const { PATIENCE_MS, ThrottleTimes, call, connect } = require('./client');
const { LibrdKafkaError, isPassing } = require('./errors');

// As many as a poll hands out.
const RECORDS_MOST = 500;

class Consumer {
  #client;
  #throttleTimes;
  #topic;

  static async make(config, options) {
    const consumer = new Consumer();
    const settings = {
      ...config,
      'client.id': options.client_id,
      'group.id': options.group ?? 'reader-without-group',
      'partition.assignment.strategy': options.assignor,
      'session.timeout.ms': 10_000,
      'heartbeat.interval.ms': 500,
      'enable.auto.commit': false,
      'fetch.wait.max.ms': 100,
      'topic.metadata.refresh.interval.ms': 2_000,
    };
    if (options.instance !== undefined) {
      settings['group.instance.id'] = options.instance;
    }
    // A setting of topics has no effect among those of the consumer.
    consumer.#client = new Kafka.KafkaConsumer(settings, { 'auto.offset.reset': 'earliest' });
    consumer.#throttleTimes = new ThrottleTimes(consumer.#client);
    await connect(consumer.#client);
    return consumer;
  }

  subscribe(topic) {
    this.#topic = topic;
    this.#client.subscribe([topic]);
    return null;
  }

  assign(topic, ...offsets) {
    this.#topic = topic;
    this.#client.assign(this.#places(pairs(offsets)));
    return null;
  }

  #places(numbers) {
    return Object.entries(numbers).map(([partition, offset]) =>
      ({ topic: this.#topic, partition: Number(partition), offset: Number(offset) }));
  }

  async poll(milliseconds) {
    const records = await this.#consume(1, Number(milliseconds));
    if (records.length > 0) {
      // What is there already comes along.
      records.push(...await this.#consume(RECORDS_MOST - 1, 0));
    }
    return records.map(record);
  }

  async #consume(most, milliseconds) {
    this.#client.setDefaultConsumeTimeout(milliseconds);
    try {
      return await call(this.#client, 'consume', most);
    } catch (error) {
      if (!isPassing(error)) {
        throw error;
      }
      return [];
    }
  }

  assignment() {
    return this.#client.assignments().map(({ topic, partition }) => [topic, partition]);
  }

  /** It has no metadata of commits. */
  commit(_metadata, ...offsets) {
    this.#client.commitSync(this.#places(pairs(offsets)));
    return null;
  }

  async committed(...partitions) {
    const places = partitions.map((partition) => ({ topic: this.#topic, partition: Number(partition) }));
    const found = await call(this.#client, 'committed', places, PATIENCE_MS);
    return found.map(checked).map(({ partition, offset }) => [partition, [known(offset), '']]);
  }

  ends(...partitions) {
    return Promise.all(partitions.map(async (word) => {
      const partition = Number(word);
      const { highOffset } = await call(
        this.#client, 'queryWatermarkOffsets', this.#topic, partition, PATIENCE_MS);
      return [partition, highOffset];
    }));
  }

  async offsets_for_time(...timestamps) {
    const asked = this.#places(pairs(timestamps));
    const found = await call(this.#client, 'offsetsForTimes', asked, PATIENCE_MS);
    return found.map(checked).map(({ partition, offset }) => [partition, known(offset)]);
  }

  throttled_ms() {
    return this.#throttleTimes.longestMs;
  }

  async close() {
    await call(this.#client, 'disconnect');
    return null;
  }
}

/** A place, unless an error stands there. */
function checked(place) {
  if (place instanceof Error) {
    throw LibrdKafkaError.create(place);
  }
  return place;
}

/** Where there is no offset, there is none or a negative one. */
function known(offset) {
  return offset >= 0 ? offset : null;
}

function record({ partition, offset, key, value, headers, timestamp }) {
  const contents = (headers ?? []).flatMap(Object.entries)
    .map(([name, content]) => [base64(name), base64(content)]);
  // It does not tell what the timestamp is of.
  return [partition, offset, base64(key), base64(value), contents, timestamp, null];
}

module.exports = { Consumer };
