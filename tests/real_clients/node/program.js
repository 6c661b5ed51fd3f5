'use strict';
// What the programs around the clients of Node share: producers, consumers and administrators that do
// what they are told. ../README.md describes the language; ../python/process_client.py is the other
// side.

const readline = require('node:readline');

/**
 * Serves standard input until it ends. Then the process dies as if it had been killed: no group is
 * left, nothing is flushed.
 *
 * `make(kind, options)` makes a client: an object whose methods are the calls; `undefined` is the answer
 * to a call that nobody waits for. `judge(error)` has an error's name in Kafka, or null, and tells whether
 * trying again may help.
 */
function run(make, judge) {
  const clients = new Map();
  const answer = (number, fields) => {
    process.stdout.write(`${JSON.stringify({ client: number, ...fields })}\n`);
  };
  const serve = async (number, client, [name, ...words]) => {
    try {
      const value = client.made ? await client.made[name](...words) : null;
      client.made ??= await make(name, pairs(words));
      if (value !== undefined) {
        answer(number, { value });
      }
    } catch (error) {
      answer(number, { error: Buffer.from(String(error.stack)).toString('base64'), ...judge(error) });
    }
  };
  readline.createInterface({ input: process.stdin, crlfDelay: Infinity })
    .on('line', (line) => {
      const [word, ...call] = line.split(' ');
      const number = Number(word);
      if (!clients.has(number)) {
        clients.set(number, { last: Promise.resolve() });
      }
      const client = clients.get(number);
      // Calls of one client are made in their order.
      client.last = client.last.then(() => serve(number, client, call));
    })
    .on('close', () => process.exit(1));
  answer(0, { value: 'ready' });
}

function pairs(words) {
  return Object.fromEntries(words.map((word) => {
    const end = word.indexOf('=');
    return [word.slice(0, end), word.slice(end + 1)];
  }));
}

/** Base64 has no hyphen, so that a hyphen is null. */
function bytes(word) {
  return word === '-' ? null : Buffer.from(word, 'base64');
}

function base64(content) {
  return content === null || content === undefined ? null : Buffer.from(content).toString('base64');
}

/** What comes from one side and is taken by the other, in order. */
class Mailbox {
  #items = [];
  #arrived = () => {};

  put(item) {
    this.#items.push(item);
    this.#arrived();
  }

  get size() {
    return this.#items.length;
  }

  /** What is there; when it is nothing, it waits for the first. */
  async take(milliseconds, most = Infinity) {
    if (this.#items.length === 0) {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.#arrived = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#arrived = () => {};
    }
    return this.#items.splice(0, most);
  }
}

module.exports = { Mailbox, base64, bytes, pairs, run };
