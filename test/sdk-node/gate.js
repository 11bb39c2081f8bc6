// Starts a simulated provider, and before it `tollgate serve`, which knows it as
// every provider there is, by the variables that an operator would set.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Demo, built } from './demo.js';

/** Waits until what a child prints holds what is looked for. */
function printed(child, pattern) {
  return new Promise((resolve, reject) => {
    let output = '';
    let log = '';
    child.stderr.on('data', (data) => (log += data));
    child.stdout.on('data', (data) => {
      output += data;
      if (pattern.test(output)) resolve(output);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${child.spawnfile} ended with ${code}: ${log}`)));
  });
}

/** Starts both; `end` ends both. */
export async function startGate() {
  const provider = spawn(built('bench'), ['-role', 'provider']); // it ends when its input does
  const host = `http://${(await printed(provider, /\n/)).trim()}`;
  const data = mkdtempSync(join(tmpdir(), 'tollgate-sdk-'));
  const child = spawn(built('tollgate'), ['serve'], {
    env: {
      ...process.env,
      TOLLGATE_LISTEN: '127.0.0.1:0',
      TOLLGATE_DATA: data,
      OPENAI_API_KEY: 'sk-simulated-openai',
      ANTHROPIC_API_KEY: 'sk-simulated-anthropic',
      GEMINI_API_KEY: 'simulated-gemini',
      COHERE_API_KEY: 'simulated-cohere',
      HF_TOKEN: 'hf_simulated',
      AZURE_OPENAI_API_KEY: 'simulated-azure',
      TOLLGATE_OPENAI_BASE_URL: `${host}/v1`,
      TOLLGATE_ANTHROPIC_BASE_URL: host,
      TOLLGATE_GOOGLE_BASE_URL: host,
      TOLLGATE_COHERE_BASE_URL: host,
      TOLLGATE_HUGGINGFACE_BASE_URL: `${host}/v1`,
      TOLLGATE_AZURE_BASE_URL: host,
      TOLLGATE_PROVIDERS: JSON.stringify({ own: { base_url: `${host}/v1`, api_key: 'simulated-own' } }),
      TOLLGATE_PRICES: JSON.stringify([
        { provider: 'own', model: 'parrot-1', input: 0.3, output: 0.9 },
        { provider: 'huggingface', model: 'parrots/parrot-7b', input: 0.05, output: 0.25 },
      ]),
    },
  });
  const output = await printed(child, /serves (http:\/\/\S+),/);
  const gate = new Demo(child, /serves (http:\/\/\S+),/.exec(output)[1], /tgm_\w+/.exec(output)[0]);
  const end = gate.end;
  gate.end = async () => {
    await end();
    provider.stdin.end();
    rmSync(data, { recursive: true, force: true });
  };
  return gate;
}
