// The face of OpenAI's client: shapes, what each field does, and what is refused by its name.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Trit, TritError } from '../../web/node.js';
import { openai } from '../../web/openai.js';
import { collect, modelPath } from './helpers.mjs';

const messages = [{ role: 'user', content: 'Tell me of a king.' }];
const greedy = { messages, temperature: 0, max_tokens: 12 };

let model;
let create;
let expected;
before(async () => {
    model = await Trit.load(modelPath, { threads: 1 });
    ({ create } = openai(model).chat.completions);
    expected = await model.generate({ messages }, { temperature: 0, maxTokens: 12 }).result;
});
after(() => model.close());

test('an answer has the shape of a completion', async () => {
    const { id, created, usage, ...answer } = await create({ ...greedy, model: 'mine' });
    assert.deepEqual(answer, {
        object: 'chat.completion',
        model: 'mine',
        choices: [
            {
                index: 0,
                message: { role: 'assistant', content: expected.text, refusal: null },
                logprobs: null,
                finish_reason: 'length',
            },
        ],
    });
    assert.match(id, /^chatcmpl-\w/);
    assert.ok(Math.abs(created - Date.now() / 1000) < 60 && Number.isInteger(created));
    const { promptTokens } = expected.usage;
    assert.equal(usage.prompt_tokens, promptTokens);
    assert.equal(usage.completion_tokens, 12);
    assert.equal(usage.total_tokens, promptTokens + 12);
    assert.ok(usage.prompt_tokens_details.cached_tokens <= promptTokens);
    const [other, unnamed] = await Promise.all([create(greedy), create(greedy)]);
    assert.notEqual(other.id, unnamed.id);
    assert.equal(unnamed.model, model.info.card.name);
});

test('a stream comes in chunks, the last of them with the usage when it is asked for', async () => {
    const options = { include_usage: true };
    const stream = await create({ ...greedy, stream: true, stream_options: options });
    const chunks = await collect(stream);
    const last = chunks.pop();
    assert.deepEqual(last.choices, []);
    assert.equal(last.usage.completion_tokens, 12);
    assert.deepEqual(chunks[0].choices[0].delta, { role: 'assistant', content: '' });
    const text = chunks.map(({ choices: [{ delta }] }) => delta.content ?? '').join('');
    assert.equal(text, expected.text);
    const reasons = chunks.map(({ choices: [{ finish_reason: reason }] }) => reason);
    assert.equal(reasons.pop(), 'length');
    assert.ok(reasons.every((reason) => reason === null));
    for (const chunk of chunks) {
        assert.equal(chunk.object, 'chat.completion.chunk');
        assert.equal(chunk.id, last.id);
        assert.equal(chunk.usage, null);
    }
    const plain = await collect(await create({ ...greedy, stream: true }));
    assert.ok(plain.every((chunk) => !('usage' in chunk) && chunk.choices.length === 1));
});

test('a stream that is stopped ends, and an answer that is stopped fails with ABORTED', async () => {
    const endless = { messages, temperature: 0, logit_bias: await withoutEnd() };
    const stream = await create({ ...endless, stream: true });
    let n = 0;
    const reasons = [];
    for await (const { choices } of stream) {
        reasons.push(choices[0].finish_reason);
        if (++n === 4) stream.controller.abort();
    }
    // the context's end would be a reason
    assert.ok(n >= 4 && reasons.every((reason) => reason === null), `${n} chunks`);
    for await (const chunk of await create({ ...endless, stream: true })) if (chunk) break;
    const stop = new AbortController();
    const whole = create(endless, { signal: stop.signal });
    await model.diagnostics(); // of the engine that is at work on it
    stop.abort();
    await assert.rejects(whole, { code: 'ABORTED' });
    await assert.rejects(create(endless, { signal: AbortSignal.abort() }), { code: 'ABORTED' });
    const { choices } = await create(greedy);
    assert.equal(choices[0].message.content, expected.text, 'the next one is answered');
});

/** Forbids the tokens that end an answer. */
const withoutEnd = async () => Object.fromEntries(model.info.stopIds.map((id) => [id, -Infinity]));

test('each field does what the option of its name does', async () => {
    const all = { temperature: 0.9, top_p: 0.8, top_k: 30, min_p: 0.01, repeat_penalty: 1.1 };
    const penalties = { frequency_penalty: 0.3, presence_penalty: 0.2, seed: 7 };
    const bias = { logit_bias: { 300: 5 }, stop: ['zzzz'] };
    const request = { messages, ...all, ...penalties, ...bias, max_completion_tokens: 24 };
    const own = {
        ...{ temperature: 0.9, topP: 0.8, topK: 30, minP: 0.01, repeatPenalty: 1.1 },
        ...{ frequencyPenalty: 0.3, presencePenalty: 0.2, seed: 7, penaltyLast: -1 },
        ...{ logitBias: { 300: 5 }, stop: ['zzzz'], maxTokens: 24 },
    };
    const said = async (wish) => (await create({ ...request, ...wish })).choices[0].message.content;
    assert.equal(await said({}), (await model.generate({ messages }, own).result).text);
    // each of them alone changes something: none is lost on its way
    const greedyText = (await create({ ...greedy, max_tokens: 24 })).choices[0].message.content;
    for (const wish of [
        { repeat_penalty: 2 },
        { frequency_penalty: 2 },
        { presence_penalty: 2 },
        { logit_bias: { 300: 100 } },
        { max_tokens: 3 },
        { stop: greedyText.slice(5, 8) },
        { temperature: 1.5, seed: 1, top_k: 0, top_p: 1 },
    ]) {
        const { choices } = await create({ ...greedy, max_tokens: 24, ...wish });
        assert.notEqual(choices[0].message.content, greedyText, JSON.stringify(wish));
    }
    for (const narrow of [{ top_k: 1 }, { top_p: 1e-6 }, { min_p: 1 }])
        assert.equal(await said({ ...narrow, ...noPenalties, temperature: 1 }), greedyText);
    assert.equal(await said({ seed: -1 }), await said({ seed: 2n ** 64n - 1n }));
    const [{ finish_reason: reason }] = (await create({ ...greedy, stop: greedyText.slice(5, 8) }))
        .choices;
    assert.equal(reason, 'stop');
});

const noPenalties = {
    ...{ frequency_penalty: 0, presence_penalty: 0, repeat_penalty: 1, logit_bias: null },
};

test('null is as good as nothing, and max_completion_tokens goes before max_tokens', async () => {
    const nothing = { top_p: null, seed: null, stop: null, n: 1, tools: [], functions: null };
    const answer = await create({ ...greedy, ...nothing, max_completion_tokens: 5 });
    assert.equal(answer.usage.completion_tokens, 5);
});

test('logprobs are those of the model, with the text and bytes of each token', async () => {
    const request = { ...greedy, logprobs: true, top_logprobs: 3 };
    const [{ logprobs }] = (await create(request)).choices;
    const own = { temperature: 0, maxTokens: 12, logprobs: 3 };
    const result = await model.generate({ messages }, own).result;
    assert.deepEqual(
        logprobs.content.map(({ logprob }) => logprob),
        result.logprobs.map(({ logprob }) => logprob),
    );
    const bytes = Uint8Array.from(logprobs.content.flatMap((entry) => entry.bytes));
    assert.equal(new TextDecoder().decode(bytes), expected.text);
    for (const { token, bytes: own, top_logprobs: top, logprob } of logprobs.content) {
        assert.equal(new TextDecoder().decode(Uint8Array.from(own)), token);
        assert.equal(top.length, 3);
        assert.equal(top[0].logprob, logprob, 'greedy takes the likeliest');
    }
    const chunks = await collect(await create({ ...request, stream: true }));
    const inStream = chunks.flatMap(({ choices }) => choices[0].logprobs?.content ?? []);
    assert.deepEqual(inStream, logprobs.content);
    const [alone] = (await create({ ...greedy, logprobs: true })).choices;
    assert.deepEqual(alone.logprobs.content[0].top_logprobs, []);
});

test('parts of text are joined, and a developer is the system', async () => {
    const parts = [
        { type: 'text', text: 'Tell me ' },
        { type: 'text', text: 'of a king.' },
    ];
    const said = async (list) =>
        (await create({ ...greedy, messages: list })).choices[0].message.content;
    assert.equal(await said([{ role: 'user', content: parts }]), expected.text);
    const system = { role: 'system', content: 'Be brief.' };
    assert.equal(
        await said([{ ...system, role: 'developer' }, ...messages]),
        await said([system, ...messages]),
    );
});

test('an answer is JSON when response_format says so', async () => {
    const said = async (format, max) => {
        const { choices } = await create({ ...greedy, max_tokens: max, response_format: format });
        assert.equal(choices[0].finish_reason, 'stop');
        return JSON.parse(choices[0].message.content);
    };
    const properties = { name: { enum: ['king', 'queen'] }, is_old: { type: 'boolean' } };
    const required = ['name', 'is_old'];
    const schema = { type: 'object', properties, required, additionalProperties: false };
    const format = { type: 'json_schema', json_schema: { name: 'who', schema, strict: true } };
    const { name, is_old: isOld, ...more } = await said(format, 60);
    assert.ok(properties.name.enum.includes(name) && typeof isOld === 'boolean');
    assert.deepEqual(more, {});
    const any = { type: 'json_object' };
    const answer = await create({ ...greedy, max_tokens: 4, response_format: any });
    assert.match(answer.choices[0].message.content, /^\{/);
    const text = await create({ ...greedy, response_format: { type: 'text' } });
    assert.equal(text.choices[0].message.content, expected.text);
});

test('what cannot be done is refused by its name', async () => {
    const user = (content) => ({ messages: [{ role: 'user', content }] });
    for (const [wish, words] of [
        [{ tools: [{ type: 'function' }] }, /tools/],
        [{ tool_choice: 'auto' }, /tool_choice/],
        [{ functions: [{}] }, /functions/],
        [{ n: 2 }, /\bn is not 1/],
        [{ audio: { voice: 'x' } }, /audio/],
        [{ modalities: ['audio'] }, /modalities/],
        [{ reasoning_effort: 'high' }, /reasoning_effort/],
        [{ web_search_options: {} }, /web_search_options/],
        [{ temprature: 1 }, /temprature/],
        [{ temperature: 'hot' }, /temperature/],
        [{ top_logprobs: 2 }, /logprobs: true/],
        [{ logprobs: true, top_logprobs: 21 }, /20/],
        [{ response_format: { type: 'xml' } }, /response_format/],
        [{ response_format: { type: 'json_schema' } }, /response_format/],
        [{ response_format: 'json_object' }, /response_format/],
        [{ response_format: {} }, /response_format/],
        [{ messages: 'hello' }, /messages/],
        [{ messages: [{ role: 'tool', content: 'x' }] }, /role tool/],
        [{ messages: [{ role: 'user', content: 'x', name: 'me' }] }, /name/],
        [user([{ type: 'image_url', image_url: {} }]), /image_url/],
        [user(null), /content/],
        [{ messages: [null] }, /a message/],
    ])
        await assert.rejects(
            create({ ...greedy, ...wish }),
            (error) =>
                error instanceof TritError && error.code === 'PARAM' && words.test(error.message),
            JSON.stringify(wish),
        );
    await assert.rejects(create(undefined), { code: 'PARAM' });
    for (const options of [null, 7, { signal: {} }])
        await assert.rejects(create(greedy, options), { code: 'PARAM' });
});

test('what says nothing of the answer is ignored', async () => {
    const said = { user: 'me', metadata: { a: 'b' }, store: true, service_tier: 'flex' };
    const { choices } = await create({ ...greedy, ...said, prompt_cache_key: 'x' });
    assert.equal(choices[0].message.content, expected.text);
});
