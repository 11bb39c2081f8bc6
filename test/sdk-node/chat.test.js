import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { hello, simulated, startDemo } from './demo.js';

let demo;
before(async () => (demo = await startDemo()));
after(() => demo?.end());

const tools = [
  {
    type: 'function',
    function: { name: 'get_weather', parameters: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } },
  },
];

/** Reads a stream to its end. */
async function drain(stream) {
  const seen = { text: '', pieces: 0, usages: [], bare: 0, reason: null };
  for await (const chunk of stream) {
    if (chunk.usage) seen.usages.push(chunk.usage);
    const choice = chunk.choices[0];
    if (!choice) {
      seen.bare++;
      continue;
    }
    if (choice.delta.content) {
      seen.text += choice.delta.content;
      seen.pieces++;
    }
    seen.reason = choice.finish_reason ?? seen.reason;
  }
  return seen;
}

test('chat', async () => {
  const { openai, key } = await demo.client({ budget_limit_cents: 100 });
  const { data, response, request_id } = await openai.chat.completions
    .create(hello('demo-mini'), simulated({ 'Output-Tokens': 12 }))
    .withResponse();
  assert.equal(data.object, 'chat.completion');
  assert.equal(data.choices[0].message.role, 'assistant');
  assert.equal(data.choices[0].finish_reason, 'stop');
  assert.ok(data.choices[0].message.content);
  assert.equal(data.usage.completion_tokens, 12);
  assert.ok(data.usage.prompt_tokens > 0);
  assert.equal(data._request_id, request_id);
  assert.ok(request_id);
  assert.ok(Number(response.headers.get('x-tollgate-cost-usd')) > 0);
  assert.ok(response.headers.get('x-ratelimit-remaining-requests'));
  assert.equal((await key()).total_tokens, data.usage.total_tokens);
});

test('only the environment is changed', async () => {
  const { secret } = await demo.client();
  process.env.OPENAI_BASE_URL = `${demo.base}/v1`;
  process.env.OPENAI_API_KEY = secret;
  try {
    const answer = await new OpenAI().chat.completions.create(hello('demo-mini'));
    assert.ok(answer.choices[0].message.content);
  } finally {
    delete process.env.OPENAI_BASE_URL;
    delete process.env.OPENAI_API_KEY;
  }
});

for (const [name, fields] of [
  ['without limits', {}],
  ['under a budget', { budget_limit_cents: 100 }],
]) {
  test(`stream ${name}`, async () => {
    const { openai, key } = await demo.client(fields);
    const options = simulated({ 'Output-Tokens': 20, Chunks: 20 });
    const whole = await openai.chat.completions.create(hello('demo-large'), options);

    const plain = await drain(await openai.chat.completions.create(hello('demo-large', { stream: true }), options));
    assert.equal(plain.text, whole.choices[0].message.content);
    assert.deepEqual([plain.pieces, plain.reason], [20, 'stop']);
    assert.deepEqual([plain.usages.length, plain.bare], [0, 0], 'nobody asked for usage');

    const asked = await drain(
      await openai.chat.completions.create(hello('demo-large', { stream: true, stream_options: { include_usage: true } }), options),
    );
    assert.equal(asked.text, whole.choices[0].message.content);
    assert.deepEqual([asked.usages.length, asked.bare], [1, 1]);
    assert.deepEqual(
      [asked.usages[0].prompt_tokens, asked.usages[0].completion_tokens],
      [whole.usage.prompt_tokens, whole.usage.completion_tokens],
    );
    assert.equal((await key()).total_tokens, 3 * whole.usage.total_tokens, 'each answer is booked as billed');
  });
}

test("the SDK's own accumulator", async () => {
  const { openai } = await demo.client({ budget_limit_cents: 100 });
  const stream = openai.chat.completions.stream(hello('demo-mini', { n: 3 }), simulated({ 'Output-Tokens': 5 }));
  const { choices } = await stream.finalChatCompletion();
  assert.equal(choices.length, 3);
  assert.equal(choices[2].message.content, choices[0].message.content);
});

test('tool calls', async () => {
  const { openai } = await demo.client({ budget_limit_cents: 100 });
  const options = simulated({ Tool: 'get_weather' });
  const whole = await openai.chat.completions.create(hello('demo-mini', { tools }), options);
  const streamed = await openai.chat.completions.stream(hello('demo-mini', { tools }), options).finalChatCompletion();
  for (const { choices } of [whole, streamed]) {
    assert.equal(choices[0].finish_reason, 'tool_calls');
    const [call] = choices[0].message.tool_calls;
    assert.equal(call.function.name, 'get_weather');
    assert.ok(call.id);
    assert.ok(JSON.parse(call.function.arguments).text);
  }
  const [call] = whole.choices[0].message.tool_calls;
  const next = hello('demo-mini', { tools });
  next.messages.push(whole.choices[0].message, { role: 'tool', tool_call_id: call.id, content: 'sunny' });
  assert.ok((await openai.chat.completions.create(next)).choices[0].message.content);
});

test('parts and formats', async () => {
  const { openai } = await demo.client({ budget_limit_cents: 100 });
  const answer = await openai.chat.completions.create(
    {
      model: 'demo-mini',
      max_completion_tokens: 100,
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' } } },
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
          ],
        },
      ],
    },
    simulated({ 'Output-Tokens': 3 }),
  );
  assert.equal(answer.usage.completion_tokens, 3);
});
