'use strict';

const { ConfigResourceTypes } = require('kafkajs');
const { pairs } = require('../program');

const DYNAMIC_TOPIC_CONFIG = 1;

class Admin {
  #kafka;
  #client;

  static async make(kafka) {
    const admin = new Admin();
    admin.#kafka = kafka;
    admin.#client = kafka.admin();
    await admin.#client.connect();
    return admin;
  }

  async create_topic(topic, partitions, ...configs) {
    const configEntries = Object.entries(pairs(configs)).map(([name, value]) => ({ name, value }));
    const created = await this.#client.createTopics({
      topics: [{ topic, numPartitions: Number(partitions), replicationFactor: 1, configEntries }],
    });
    if (!created) {
      // It answers so, without an error, for one that exists.
      throw Object.assign(new Error('exists'), { type: 'TOPIC_ALREADY_EXISTS' });
    }
    return null;
  }

  async delete_topic(topic) {
    await this.#client.deleteTopics({ topics: [topic] });
    return null;
  }

  async grow_topic(topic, partitions) {
    await this.#client.createPartitions({ topicPartitions: [{ topic, count: Number(partitions) }] });
    return null;
  }

  /** It does not tell where the partition begins then. */
  async trim(topic, partition, offset) {
    try {
      await this.#client.deleteTopicRecords({ topic, partitions: [{ partition: Number(partition), offset }] });
    } catch (error) {
      // The reason is one level deeper than elsewhere.
      throw error.cause?.partitions?.[0]?.error ?? error;
    }
    const offsets = await this.#client.fetchTopicOffsets(topic);
    return Number(offsets.find((place) => place.partition === Number(partition)).low);
  }

  async topics() {
    const { topics } = await this.#client.fetchTopicMetadata();
    return topics.map(({ name, partitions }) => [name, partitions.length]);
  }

  async topic_configs(topic) {
    const entries = await this.#configs(topic);
    return entries.map(({ configName, configValue, configSource }) =>
      [configName, configValue, configSource !== DYNAMIC_TOPIC_CONFIG]);
  }

  async #configs(name) {
    const { resources } = await this.#client.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name }],
    });
    return resources[0].configEntries;
  }

  /** It knows only AlterConfigs, which sets all that it is not given back to the defaults. */
  async set_topic_config(topic, name, value) {
    const others = (await this.#configs(topic))
      .filter(({ configName, configSource }) => configSource === DYNAMIC_TOPIC_CONFIG && configName !== name)
      .map(({ configName, configValue }) => ({ name: configName, value: configValue }));
    await this.#client.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [...others, { name, value }] }],
    });
    return null;
  }

  /** It lists no types and no states. */
  async groups() {
    const { groups } = await this.#client.listGroups();
    return groups.map(({ groupId }) => [groupId, null, null]);
  }

  async group_state(group) {
    const { groups } = await this.#client.describeGroups([group]);
    return [groups[0].state.toLowerCase(), groups[0].members.length];
  }

  async group_offsets(group) {
    const found = await this.#client.fetchOffsets({ groupId: group });
    return found.flatMap(({ partitions }) =>
      partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  async delete_group(group) {
    await this.#client.deleteGroups([group]);
    return null;
  }

  async start_transactional_producer() {
    const producer = this.#kafka.producer({
      transactionalId: 'one', idempotent: true, maxInFlightRequests: 1, retry: { retries: 3 },
    });
    try {
      await producer.connect();
      const transaction = await producer.transaction();
      await transaction.abort();
    } finally {
      await producer.disconnect();
    }
    return null;
  }

  async close() {
    await this.#client.disconnect();
    return null;
  }
}

module.exports = { Admin };
