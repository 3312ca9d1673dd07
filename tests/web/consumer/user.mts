// A program of somebody else, all of the interface: it is compiled, not run.
import { Trit, TritError } from 'trit';
import type { Chat, GenerateResult, LoadOptions, Model } from 'trit';

const options: LoadOptions = {
    threads: 1,
    flavour: 'relaxed',
    workerUrl: new URL('https://example.com/trit-worker.js'),
    allowBlobWorker: true,
    onProgress: ({ loaded, total, rate }) => void (loaded + (total ?? 0) / (rate ?? 1)),
    network: { stallMs: 10_000 },
    hub: 'https://hub.example.com',
};
const model: Model = await Trit.load('x', options);
const ids: number[] = await model.tokenize('text');
const stream = model.generate(ids, { maxTokens: 3, logprobs: 2, signal: AbortSignal.timeout(1) });
for await (const piece of stream) piece.toUpperCase();
const { text, finish, usage, timings, logprobs }: GenerateResult = await stream.result;
const [{ logprob, top }] = logprobs ?? [];
const chat: Chat = model.chat({ history: [{ role: 'user', content: text }] });
const fork: Chat = chat.fork();
const bytes: Uint8Array = await fork.saveSession();
const known: number[] = await model.loadSession(bytes);
const count: number = await model.countTokens({ messages: chat.history });
export const all = [finish, usage.cachedTokens, timings.promptMs, logprob, top[0].id, known, count];
export const isOurs = (error: unknown) => error instanceof TritError && error.code === 'PARAM';

// If nothing were known of the package, these would be no errors.
// @ts-expect-error
Trit.load(42);
// @ts-expect-error
model.generate('x', { temperature: 'hot' });
// @ts-expect-error
finish === 'never';

// The face of OpenAI's client.
import { openai } from 'trit/openai';

const { completions } = openai(model).chat;
export async function ask(): Promise<string | undefined> {
    const stream = await completions.create({
        messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }],
        stream: true,
        stream_options: { include_usage: true },
    });
    for await (const { choices, usage } of stream)
        if (choices[0]?.delta.content === undefined) usage?.total_tokens.toFixed();
    stream.controller.abort();
    const { choices, usage } = await completions.create(
        { messages: [{ role: 'user', content: 'x' }], n: 1, logprobs: true, seed: 1 },
        { signal: AbortSignal.timeout(1) },
    );
    usage.prompt_tokens_details.cached_tokens.toFixed();
    return choices[0].logprobs?.content[0].bytes.join() ?? choices[0].message.content;
}

// @ts-expect-error
completions.create({ messages: [], n: 2 });
// @ts-expect-error
completions.create({ messages: [], tools: [] });

// The tag.
import { TritChat } from 'trit/element';

export async function tell(tag: TritChat): Promise<string> {
    tag.texts = { send: 'Senden' };
    await tag.load();
    const { finish }: GenerateResult = await tag.send('x', { maxTokens: 1 });
    return finish === 'abort' || tag.model === null ? tag.history[0].content : finish;
}

// @ts-expect-error
new TritChat().send(7);
