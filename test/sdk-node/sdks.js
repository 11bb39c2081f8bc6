// The SDKs of the matrix, each told of an address and a key and nothing else. Every
// one asks in three ways, and says what it heard: the text or the call, and the
// usage as it shows it.
import Anthropic from '@anthropic-ai/sdk';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { ApiError, GoogleGenAI } from '@google/genai';
import { ChatOpenAI } from '@langchain/openai';
import { APICallError, generateText, jsonSchema, RetryError, streamText, tool } from 'ai';
import { CohereClientV2, CohereError } from 'cohere-ai';
import OpenAI, { AzureOpenAI } from 'openai';

const schema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
const question = [{ role: 'user', content: 'Hello, who are you?' }];
const system = { role: 'system', content: 'You are terse.' };

/** OpenAI's own SDK, as it is made by `client`. */
function openai(client) {
  const usage = (u) => ({ input: u.prompt_tokens, output: u.completion_tokens });
  const tools = [{ type: 'function', function: { name: 'get_weather', parameters: schema } }];
  const ask = (at, more) => client(at).chat.completions.create({ model: at.model, messages: [system, ...question], ...more });
  return {
    plain: async (at) => {
      const answer = await ask(at, {});
      return { text: answer.choices[0].message.content, ...usage(answer.usage) };
    },
    stream: async (at) => {
      const heard = { text: '', pieces: 0 };
      for await (const chunk of await ask(at, { stream: true, stream_options: { include_usage: true } })) {
        if (chunk.choices[0]?.delta.content) heard.pieces++;
        heard.text += chunk.choices[0]?.delta.content ?? '';
        if (chunk.usage) Object.assign(heard, usage(chunk.usage));
      }
      return heard;
    },
    tools: async (at) => {
      const answer = await ask(at, { tools });
      const [call] = answer.choices[0].message.tool_calls;
      return { name: call.function.name, args: JSON.parse(call.function.arguments), ...usage(answer.usage) };
    },
    error: (e) => (e instanceof OpenAI.APIError ? { status: e.status, code: e.code } : undefined),
  };
}

const own = ({ base, secret, fetch, retries }) => new OpenAI({ baseURL: `${base}/v1`, apiKey: secret, fetch, maxRetries: retries });

const anthropic = {
  client: ({ base, secret, fetch, retries }) => new Anthropic({ baseURL: base, apiKey: secret, fetch, maxRetries: retries }),
  params: (at) => ({ model: at.model, max_tokens: 500, system: system.content, messages: question }),
  usage: (u) => ({ input: u.input_tokens, output: u.output_tokens }),
  plain: async (at) => {
    const answer = await anthropic.client(at).messages.create(anthropic.params(at));
    return { text: answer.content[0].text, ...anthropic.usage(answer.usage) };
  },
  stream: async (at) => {
    let pieces = 0;
    const stream = anthropic.client(at).messages.stream(anthropic.params(at)).on('text', () => pieces++);
    const answer = await stream.finalMessage();
    return { text: answer.content[0].text, pieces, ...anthropic.usage(answer.usage) };
  },
  tools: async (at) => {
    const answer = await anthropic.client(at).messages.create({ ...anthropic.params(at), tools: [{ name: 'get_weather', input_schema: schema }] });
    return { name: answer.content[0].name, args: answer.content[0].input, ...anthropic.usage(answer.usage) };
  },
  error: (e) => (e instanceof Anthropic.APIError ? { status: e.status, code: e.error?.error?.code } : undefined),
};

const genai = {
  client: ({ base, secret, fetch, retries }) =>
    new GoogleGenAI({ apiKey: secret, httpOptions: { baseUrl: base, fetch, retryOptions: retries ? { attempts: retries + 1 } : undefined } }),
  params: (at, more) => ({ model: at.model, contents: question[0].content, config: { systemInstruction: system.content, ...more } }),
  usage: (u) => ({ input: u.promptTokenCount, output: u.candidatesTokenCount }),
  plain: async (at) => {
    const answer = await genai.client(at).models.generateContent(genai.params(at));
    return { text: answer.text, ...genai.usage(answer.usageMetadata) };
  },
  stream: async (at) => {
    const heard = { text: '', pieces: 0 };
    for await (const chunk of await genai.client(at).models.generateContentStream(genai.params(at))) {
      heard.text += chunk.text;
      heard.pieces++;
      Object.assign(heard, genai.usage(chunk.usageMetadata));
    }
    return heard;
  },
  tools: async (at) => {
    const answer = await genai.client(at).models.generateContent(genai.params(at, { tools: [{ functionDeclarations: [{ name: 'get_weather', parametersJsonSchema: schema }] }] }));
    const [{ name, args }] = answer.functionCalls;
    return { name, args, ...genai.usage(answer.usageMetadata) };
  },
  error: (e) => (e instanceof ApiError ? { status: e.status, code: JSON.parse(e.message).error.details?.[0].reason.toLowerCase() } : undefined),
};

const cohere = {
  client: ({ base, secret, fetch, retries }) => new CohereClientV2({ environment: base, token: secret, fetch, maxRetries: retries }),
  params: (at, more) => ({ model: at.model, messages: [system, ...question], ...more }),
  usage: (u) => ({ input: u.billedUnits.inputTokens, output: u.billedUnits.outputTokens }),
  plain: async (at) => {
    const answer = await cohere.client(at).chat(cohere.params(at));
    return { text: answer.message.content[0].text, ...cohere.usage(answer.usage) };
  },
  stream: async (at) => {
    const heard = { text: '', pieces: 0 };
    for await (const event of await cohere.client(at).chatStream(cohere.params(at))) {
      if (event.type === 'content-delta') {
        heard.text += event.delta.message.content.text;
        heard.pieces++;
      }
      if (event.type === 'message-end') Object.assign(heard, cohere.usage(event.delta.usage));
    }
    return heard;
  },
  tools: async (at) => {
    const answer = await cohere.client(at).chat(cohere.params(at, { tools: [{ type: 'function', function: { name: 'get_weather', parameters: schema } }] }));
    const [call] = answer.message.toolCalls;
    return { name: call.function.name, args: JSON.parse(call.function.arguments), ...cohere.usage(answer.usage) };
  },
  error: (e) => (e instanceof CohereError ? { status: e.statusCode, code: e.body?.code } : undefined),
};

/** The Vercel AI SDK with a model that is made by `model`. */
function vercel(model) {
  const usage = (u) => ({ input: u.inputTokens, output: u.outputTokens });
  const params = (at) => ({ model: model(at), maxRetries: at.retries, system: system.content, messages: question });
  return {
    plain: async (at) => {
      const answer = await generateText(params(at));
      return { text: answer.text, ...usage(answer.usage) };
    },
    stream: async (at) => {
      const heard = { text: '', pieces: 0 };
      const stream = streamText({ ...params(at), onError: () => {} });
      for await (const part of stream.fullStream) {
        if (part.type === 'error') throw part.error; // which is how this SDK tells of one
        if (part.type !== 'text-delta') continue;
        heard.text += part.text;
        heard.pieces++;
      }
      return { ...heard, ...usage(await stream.usage) };
    },
    tools: async (at) => {
      const answer = await generateText({ ...params(at), tools: { get_weather: tool({ inputSchema: jsonSchema(schema) }) } });
      const [call] = answer.toolCalls;
      return { name: call.toolName, args: call.input, ...usage(answer.usage) };
    },
    error: (e) => {
      const last = RetryError.isInstance(e) ? e.lastError : e;
      if (!APICallError.isInstance(last)) return undefined;
      const { error } = JSON.parse(last.responseBody);
      return { status: last.statusCode, code: error.details ? error.details[0].reason.toLowerCase() : error.code };
    },
  };
}

const langchain = {
  model: ({ base, secret, fetch, retries, model }) =>
    new ChatOpenAI({ model, apiKey: secret, maxRetries: retries, configuration: { baseURL: `${base}/v1`, fetch } }),
  usage: (m) => ({ input: m.usage_metadata.input_tokens, output: m.usage_metadata.output_tokens }),
  plain: async (at) => {
    const answer = await langchain.model(at).invoke([system, ...question]);
    return { text: answer.content, ...langchain.usage(answer) };
  },
  stream: async (at) => {
    let whole;
    let pieces = 0;
    for await (const chunk of await langchain.model(at).stream([system, ...question])) {
      if (chunk.content) pieces++;
      whole = whole ? whole.concat(chunk) : chunk;
    }
    return { text: whole.content, pieces, ...langchain.usage(whole) };
  },
  tools: async (at) => {
    const answer = await langchain.model(at).bindTools([{ type: 'function', function: { name: 'get_weather', parameters: schema } }]).invoke(question);
    const [{ name, args }] = answer.tool_calls;
    return { name, args, ...langchain.usage(answer) };
  },
  error: (e) => (e.status ? { status: e.status, code: e.code } : undefined),
};

/** A model at its provider, and what a token costs in nano-dollars. */
const mini = { provider: 'openai', format: 'openai', model: 'gpt-4o-mini', cost: [150, 600] };
const sonnet = { provider: 'anthropic', format: 'anthropic', model: 'claude-sonnet-4-6', cost: [3000, 15_000] };
const flash = { provider: 'google', format: 'gemini', model: 'gemini-2.5-flash', cost: [300, 2500] };

/** Name, packages, what is asked, and how. */
export const sdks = [
  ['openai', ['openai'], mini, openai(own)],
  ['openai, to Hugging Face', ['openai'], { ...mini, provider: 'huggingface', model: 'huggingface/parrots/parrot-7b', cost: [50, 250] }, openai(own)],
  ['openai, to a custom provider', ['openai'], { ...mini, provider: 'own', model: 'own/parrot-1', cost: [300, 900] }, openai(own)],
  [
    'openai: AzureOpenAI',
    ['openai'],
    { ...mini, provider: 'azure' },
    openai(({ base, secret, fetch, retries }) => new AzureOpenAI({ endpoint: base, apiKey: secret, apiVersion: '2024-10-21', fetch, maxRetries: retries })),
  ],
  ['@anthropic-ai/sdk', ['@anthropic-ai/sdk'], sonnet, anthropic],
  ['@google/genai', ['@google/genai'], flash, genai],
  ['cohere-ai', ['cohere-ai'], { provider: 'cohere', format: 'cohere', model: 'command-a-03-2025', cost: [2500, 10_000] }, cohere],
  ['AI SDK: chat', ['ai', '@ai-sdk/openai'], mini, vercel(({ base, secret, fetch, model }) => createOpenAI({ baseURL: `${base}/v1`, apiKey: secret, fetch }).chat(model))],
  ['AI SDK: responses', ['ai', '@ai-sdk/openai'], mini, vercel(({ base, secret, fetch, model }) => createOpenAI({ baseURL: `${base}/v1`, apiKey: secret, fetch })(model))],
  ['AI SDK: Anthropic', ['ai', '@ai-sdk/anthropic'], sonnet, vercel(({ base, secret, fetch, model }) => createAnthropic({ baseURL: `${base}/v1`, apiKey: secret, fetch })(model))],
  ['AI SDK: Google', ['ai', '@ai-sdk/google'], flash, vercel(({ base, secret, fetch, model }) => createGoogleGenerativeAI({ baseURL: `${base}/v1beta`, apiKey: secret, fetch })(model))],
  ['LangChain', ['@langchain/openai', '@langchain/core'], mini, langchain],
];
