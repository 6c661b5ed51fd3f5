'use strict';

const Kafka = require('node-rdkafka');
const { pairs } = require('../program');
const { PATIENCE_MS, call, connect } = require('./client');

/** It creates, grows and deletes topics, and that is all that its administrator does. */
class Admin {
  #config;
  #client;
  // Who administers lists no topics; who produces does.
  #lister;

  static async make(config) {
    const admin = new Admin();
    admin.#config = config;
    admin.#client = Kafka.AdminClient.create(config);
    admin.#lister = new Kafka.Producer(config);
    await connect(admin.#lister);
    return admin;
  }

  async create_topic(topic, partitions, ...configs) {
    await call(this.#client, 'createTopic', {
      topic, num_partitions: Number(partitions), replication_factor: 1, config: pairs(configs),
    }, PATIENCE_MS);
    return null;
  }

  async delete_topic(topic) {
    await call(this.#client, 'deleteTopic', topic, PATIENCE_MS);
    return null;
  }

  async grow_topic(topic, partitions) {
    await call(this.#client, 'createPartitions', topic, Number(partitions), PATIENCE_MS);
    return null;
  }

  async topics() {
    const { topics } = await call(this.#lister, 'getMetadata', { timeout: PATIENCE_MS });
    return topics.map(({ name, partitions }) => [name, partitions.length]);
  }

  async start_transactional_producer() {
    const producer = new Kafka.Producer({ ...this.#config, 'transactional.id': 'one' });
    await connect(producer);
    try {
      await call(producer, 'initTransactions', PATIENCE_MS);
    } finally {
      await call(producer, 'disconnect');
    }
    return null;
  }

  async close() {
    this.#client.disconnect();
    await call(this.#lister, 'disconnect');
    return null;
  }
}

module.exports = { Admin };
