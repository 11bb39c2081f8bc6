// Starts `tollgate demo` on a free port, and ends it by its pid.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';

/** A program that build.js has built. */
export const built = (name) => fileURLToPath(new URL(`build/${name}`, import.meta.url));
const binary = built('tollgate');

// Variables of the SDKs' and of Tollgate's own would change what is tested.
const ours = /^(OPENAI|ANTHROPIC|GEMINI|GOOGLE|AZURE|COHERE|CO|HF|TOLLGATE)_/;
for (const name of Object.keys(process.env)) {
  if (ours.test(name)) delete process.env[name];
}

/** A running server: a demo, or another. */
export class Demo {
  constructor(child, base, root) {
    this.child = child;
    this.base = base;
    this.root = root;
    this.end = this.end.bind(this);
    process.once('exit', this.end);
  }

  /** Ends the child, and waits until it has ended. */
  end() {
    process.removeListener('exit', this.end);
    if (this.child.exitCode !== null || this.child.signalCode !== null) return Promise.resolve();
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    return ended;
  }

  /** Calls the management API. */
  async manage(method, path, body) {
    const response = await fetch(`${this.base}/api/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.root}`, 'Content-Type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /**
   * A key of its own, and a fetch that counts what an SDK sends with it, retries
   * too, and tells the simulated provider how to answer. `key` is the key as it is
   * now, with what was used; `row` its only entry.
   */
  async issue(fields = {}, how = {}) {
    const created = await this.manage('POST', '/api-keys', { name: 'test', ...fields });
    const sent = { requests: 0 };
    const key = () => this.manage('GET', `/api-keys/${created.api_key.id}`);
    const row = async () => {
      const { usage } = await this.manage('GET', `/usage?key_id=${created.api_key.id}`);
      if (usage.length !== 1) throw new Error(`${usage.length} entries`);
      return usage[0];
    };
    const counted = (input, init) => {
      sent.requests++;
      const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
      for (const [name, value] of Object.entries(simulated(how).headers)) headers.set(name, value);
      return fetch(input, { ...init, headers });
    };
    return { secret: created.secret_key, sent, key, row, fetch: counted };
  }

  /**
   * OpenAI's SDK with a key of its own. `sent.requests` counts what it sends, retries
   * too; `key` is the key as it is now, with what was used.
   */
  async client(fields = {}, options = {}) {
    const issued = await this.issue(fields);
    const openai = new OpenAI({ baseURL: `${this.base}/v1`, apiKey: issued.secret, fetch: issued.fetch, ...options });
    return { openai, ...issued };
  }
}

/** Starts a demo; resolves when it answers. */
export function startDemo() {
  if (!existsSync(binary)) {
    throw new Error('build/tollgate is missing: run `npm run pretest` first (it needs go)');
  }
  const child = spawn(binary, ['demo', '--listen', '127.0.0.1:0', '--chunk-delay', '0s'], { stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    let output = '';
    let log = '';
    child.stderr.on('data', (data) => (log += data));
    child.stdout.on('data', (data) => {
      output += data;
      if (!output.includes('nothing is kept.')) return;
      resolve(new Demo(child, /running on (http:\/\/\S+)/.exec(output)[1], /TOLLGATE_TOKEN=(tgm_\w+)/.exec(output)[1]));
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`tollgate demo ended with ${code}: ${log}`)));
  });
}

/** Request options that tell the simulated provider how to answer. */
export function simulated(fields) {
  const headers = {};
  for (const [name, value] of Object.entries(fields)) headers[`X-Simulate-${name}`] = String(value);
  return { headers };
}

export function hello(model, more = {}) {
  return {
    model,
    messages: [
      { role: 'system', content: 'You are terse.' },
      { role: 'user', content: 'Hello' },
    ],
    ...more,
  };
}
