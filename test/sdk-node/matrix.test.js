// Every SDK asks in every way: plainly, as a stream, with a tool, to be refused, and
// to be let in only when it tries again. What it is shown, and what the entry says,
// must be what the provider has reported, to the token and the nano-dollar.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Compatibility } from './compatibility.js';
import { simulated } from './demo.js';
import { startGate } from './gate.js';
import { sdks } from './sdks.js';

let gate;
before(async () => (gate = await startGate()));
after(() => gate?.end());
after(() => compatibility.check(sdks));

const tokens = { 'Input-Tokens': 777, 'Output-Tokens': 12 };

/** The only entry of a key is what was billed. */
async function booked(row, { provider, format, cost }, { input, output }) {
  assert.deepEqual([input, output], [777, 12], 'what the SDK shows');
  const entry = await row();
  assert.deepEqual(
    [entry.outcome, entry.provider, entry.api_format, entry.input_tokens, entry.output_tokens],
    ['settled', provider, format, 777, 12],
  );
  assert.equal(BigInt(entry.cost_usd.replace('.', '').padEnd(entry.cost_usd.indexOf('.') + 9, '0')), BigInt(777 * cost[0] + 12 * cost[1]));
}

const compatibility = new Compatibility();

describe('SDKs', { concurrency: 4 }, () => {
  for (const [name, , at, sdk] of sdks) {
    describe(name, { concurrency: true }, () => {
      const cell = (is, work) => test(is, () => compatibility.run(name, is, work));
      const issue = async (fields, how, retries = 0) => {
        const issued = await gate.issue(fields, how);
        return { ...issued, base: gate.base, model: at.model, retries };
      };

      cell('plain', async () => {
        const key = await issue({ budget_limit_cents: 100 }, tokens);
        const heard = await sdk.plain(key);
        assert.equal(heard.text.split(' ').length, 12);
        await booked(key.row, at, heard);
      });

      cell('stream', async () => {
        const key = await issue({ budget_limit_cents: 100 }, { ...tokens, Chunks: 6 });
        const heard = await sdk.stream(key);
        assert.equal(heard.text.split(' ').length, 12);
        assert.ok(heard.pieces > 1);
        await booked(key.row, at, heard);
      });

      cell('tools', async () => {
        const key = await issue({ budget_limit_cents: 100 }, { ...tokens, Tool: 'get_weather' });
        const heard = await sdk.tools(key);
        assert.equal(heard.name, 'get_weather');
        assert.equal(typeof heard.args.text, 'string');
        await booked(key.row, at, heard);
      });

      for (const [want, fields, more] of [
        [{ status: 401, code: 'key_invalid' }, {}, { secret: 'tg_wrong' }],
        [{ status: 402, code: 'budget_exceeded' }, { budget_limit_cents: 0 }, { retries: 2 }],
        [{ status: 403, code: 'model_denied' }, { allowed_models: ['another'] }, {}],
      ]) {
        cell('error', async () => {
          for (const how of ['plain', 'stream']) {
            const key = { ...(await issue(fields)), ...more };
            await assert.rejects(sdk[how](key), (e) => {
              assert.deepEqual(sdk.error(e), want, `${e?.constructor?.name} ${e?.message}`);
              return true;
            });
            assert.equal(key.sent.requests, 1, 'trying again would not help');
          }
        });
      }

      cell('retry', async () => {
        const key = await issue({ concurrent_limit: 1 }, {}, 4);
        // Another request stays until the SDK has been refused.
        const leave = new AbortController();
        await fetch(`${gate.base}/v1/chat/completions`, {
          method: 'POST',
          signal: leave.signal,
          headers: { Authorization: `Bearer ${key.secret}`, 'Content-Type': 'application/json', ...simulated({ 'Chunk-Delay': '200ms', Chunks: 100 }).headers },
          body: JSON.stringify({ model: 'own/parrot-1', stream: true, messages: [{ role: 'user', content: 'Hold on.' }] }),
        });
        const watched = async (...args) => {
          const response = await key.fetch(...args);
          if (response.status === 429) leave.abort();
          return response;
        };
        const heard = await sdk.plain({ ...key, fetch: watched });
        assert.ok(heard.text);
        assert.ok(key.sent.requests > 1, 'it was refused first');
      });
    });
  }
});
