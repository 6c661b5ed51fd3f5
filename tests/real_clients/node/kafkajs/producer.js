'use strict';

const { CompressionTypes } = require('kafkajs');
const { Mailbox, bytes } = require('../program');

const CODECS = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};
// It makes one batch of all that a call sends to a partition, so the calls must not be too large.
const BYTES_PER_CALL = 250_000;
const RECORDS_PER_CALL = 200;
// What a record takes beside its key, value and headers, at most.
const RECORD_OVERHEAD_BYTES = 100;

/** Gathers records and sends them together, one call at a time. */
class Producer {
  #client;
  #compression;
  #outcomes = new Mailbox();
  #gathered = [];
  #sending = Promise.resolve();
  #timer;

  static async make(kafka, options) {
    const producer = new Producer();
    producer.#client = kafka.producer({
      idempotent: options.idempotent === 'true',
      maxInFlightRequests: 1,
      retry: { initialRetryTime: 50, maxRetryTime: 250, retries: 1_000 },
    });
    producer.#compression = CODECS[options.codec];
    await producer.#client.connect();
    return producer;
  }

  send(topic, partition, timestamp, tag, key, value, ...headers) {
    const record = { tag: Number(tag), topic, message: {
      partition: Number(partition), timestamp, key: bytes(key), value: bytes(value), headers: {},
    } };
    let size = RECORD_OVERHEAD_BYTES + (record.message.key?.length ?? 0) + (record.message.value?.length ?? 0);
    for (const header of headers) {
      const [name, content] = header.split(':').map(bytes);
      record.message.headers[name.toString()] = content;
      size += name.length + content.length;
    }
    record.size = size;
    this.#gathered.push(record);
    this.#timer ??= setTimeout(() => this.#sendGathered(), 5);
  }

  #sendGathered() {
    this.#timer = undefined;
    const gathered = this.#gathered.splice(0);
    let call = [];
    let size = 0;
    for (const record of gathered) {
      if (call.length > 0 && (size + record.size > BYTES_PER_CALL || call.length === RECORDS_PER_CALL)) {
        this.#sendAfterOthers(call);
        [call, size] = [[], 0];
      }
      call.push(record);
      size += record.size;
    }
    if (call.length > 0) {
      this.#sendAfterOthers(call);
    }
  }

  #sendAfterOthers(records) {
    this.#sending = this.#sending.then(() => this.#call(records));
  }

  async #call(records) {
    try {
      const sent = await this.#client.send({
        topic: records[0].topic,
        acks: -1,
        compression: this.#compression,
        messages: records.map((record) => record.message),
      });
      const following = new Map(sent.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]));
      for (const { tag, message } of records) {
        const offset = following.get(message.partition);
        following.set(message.partition, offset + 1);
        this.#outcomes.put([tag, offset, null]);
      }
    } catch (error) {
      const inner = error.cause ?? error;
      for (const { tag } of records) {
        this.#outcomes.put([tag, null, inner.type ?? String(error)]);
      }
    }
  }

  outcomes(milliseconds) {
    return this.#outcomes.take(Number(milliseconds));
  }

  async close() {
    clearTimeout(this.#timer);
    this.#sendGathered();
    await this.#sending;
    await this.#client.disconnect();
    return null;
  }
}

module.exports = { Producer };
