'use strict';

const { Mailbox, base64, bytes, pairs } = require('../program');

// It fetches no more while so many records wait to be taken.
const WAITING_MOST = 1_000;
let readers = 0;

/** A member of a group. It has no readers without one, so such a reader gets a group of its own. */
class Consumer {
  #client;
  #admin;
  #group;
  #hasGroup;
  #topic;
  #assignment = {};
  #records = new Mailbox();
  #taken = () => {};
  #closing = false;

  static async make(kafka, options) {
    const consumer = new Consumer();
    consumer.#hasGroup = options.group !== undefined;
    consumer.#group = options.group ?? `reader-${process.pid}-${readers++}`;
    consumer.#client = kafka.consumer({
      groupId: consumer.#group,
      sessionTimeout: 10_000,
      heartbeatInterval: 500,
      maxWaitTimeInMs: 100,
      metadataMaxAge: 2_000,
    });
    consumer.#admin = kafka.admin();
    await consumer.#admin.connect();
    const { GROUP_JOIN, REBALANCING } = consumer.#client.events;
    consumer.#client.on(GROUP_JOIN, ({ payload }) => {
      consumer.#assignment = payload.memberAssignment;
    });
    consumer.#client.on(REBALANCING, () => {
      consumer.#assignment = {};
    });
    return consumer;
  }

  async subscribe(topic) {
    this.#topic = topic;
    await this.#client.connect();
    await this.#client.subscribe({ topics: [topic], fromBeginning: true });
    await this.#client.run({ autoCommit: false, eachBatch: (payload) => this.#read(payload) });
    return null;
  }

  async #read({ batch, resolveOffset, heartbeat, isRunning, isStale }) {
    for (const message of batch.messages) {
      while (this.#records.size >= WAITING_MOST && isRunning() && !this.#closing) {
        await new Promise((resolve) => {
          const timer = setTimeout(resolve, 200);
          this.#taken = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        await heartbeat();
      }
      if (!isRunning() || isStale()) {
        return;
      }
      this.#records.put(record(batch.partition, message));
      resolveOffset(message.offset);
    }
  }

  /** Who belongs to a group only looks at what is committed; the others read from the start. */
  async assign(topic) {
    this.#topic = topic;
    if (!this.#hasGroup) {
      await this.subscribe(topic);
    }
    return null;
  }

  async poll(milliseconds) {
    const records = await this.#records.take(Number(milliseconds), 500);
    this.#taken();
    return records;
  }

  assignment() {
    return Object.entries(this.#assignment)
      .flatMap(([topic, partitions]) => partitions.map((partition) => [topic, partition]));
  }

  async commit(metadata, ...offsets) {
    const text = bytes(metadata).toString();
    await this.#client.commitOffsets(Object.entries(pairs(offsets)).map(([partition, offset]) =>
      ({ topic: this.#topic, partition: Number(partition), offset, metadata: text })));
    return null;
  }

  async committed(...partitions) {
    const [found] = await this.#admin.fetchOffsets({ groupId: this.#group, topics: [this.#topic] });
    const offsets = new Map(found.partitions.map((place) => [String(place.partition), place]));
    return partitions.map((partition) => {
      const { offset, metadata } = offsets.get(partition) ?? { offset: '-1', metadata: '' };
      return [Number(partition), Number(offset) < 0 ? [null, ''] : [Number(offset), base64(metadata ?? '')]];
    });
  }

  async ends() {
    const found = await this.#admin.fetchTopicOffsets(this.#topic);
    return found.map(({ partition, high }) => [partition, Number(high)]);
  }

  async offsets_for_time(...timestamps) {
    const [timestamp] = Object.values(pairs(timestamps));
    const found = await this.#admin.fetchTopicOffsetsByTimestamp(this.#topic, Number(timestamp));
    return found.map(({ partition, offset }) => [partition, Number(offset)]);
  }

  async close() {
    this.#closing = true;
    await this.#client.disconnect();
    await this.#admin.disconnect();
    return null;
  }
}

function record(partition, message) {
  const headers = Object.entries(message.headers ?? {})
    .map(([name, value]) => [base64(name), base64(value)]);
  // It does not tell what the timestamp is of.
  return [partition, Number(message.offset), base64(message.key), base64(message.value), headers,
    Number(message.timestamp), null];
}

module.exports = { Consumer };
