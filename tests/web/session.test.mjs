// Saved sessions, forks, log-probabilities and counts of tokens.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Trit, TritError } from '../../web/node.js';
import { probe } from '../../web/features.js';
import { modelPath } from './helpers.mjs';

const prompt = 'Once upon a time';
const greedy = { maxTokens: 24, temperature: 0 };
const drawn = { maxTokens: 24, temperature: 1, seed: 7 };
const coded = (code) => (error) => error instanceof TritError && error.code === code;

let model;
before(async () => {
    model = await Trit.load(modelPath, { threads: 1 });
});
after(() => model.close());

const flavours = probe().relaxed ? ['simd128', 'relaxed'] : ['simd128'];
for (const kv of ['f32', 'f16', 'int8'])
    test(`a ${kv} session goes on with the same tokens in every flavour and number of threads`, async () => {
        const first = await Trit.load(modelPath, { kv, threads: 1, flavour: 'simd128' });
        const chat = first.chat({ system: 'Be brief.' });
        await chat.send(prompt, drawn).result;
        const { history } = chat;
        const bytes = await chat.saveSession();
        const expected = await chat.send('And then?', drawn).result;
        first.close();
        for (const flavour of flavours)
            for (const threads of [1, 2]) {
                const contextLength = 256;
                const other = await Trit.load(modelPath, { kv, threads, flavour, contextLength });
                const ids = await other.loadSession(bytes);
                const again = other.chat({ history });
                const { ids: found, usage } = await again.send('And then?', drawn).result;
                assert.deepEqual(found, expected.ids);
                assert.ok(
                    usage.cachedTokens > ids.length - 8,
                    'what was saved is not computed again',
                );
                other.close();
            }
    });

test('a prompt that was computed before is loaded, in this engine or another', async () => {
    const whole = await model.generate(prompt, greedy).result;
    const half = [...whole.promptIds, ...whole.ids.slice(0, 12)];
    const bytes = await model.saveSession(half);
    const other = await Trit.load(modelPath, { threads: 1 });
    for (const engine of [model, other]) {
        await engine.generate('The king', greedy).result;
        assert.deepEqual(await engine.loadSession(bytes), half);
        const rest = await engine.generate(half, { ...greedy, maxTokens: 12 }).result;
        assert.deepEqual(rest.ids, whole.ids.slice(12));
        assert.equal(rest.usage.cachedTokens, half.length - 1);
    }
    other.close();
});

test('bytes that are no saved session of this model are refused by their code', async () => {
    const bytes = await model.saveSession(prompt);
    const damaged = Uint8Array.from(bytes);
    damaged[bytes.length >> 1] ^= 1;
    const version = Uint8Array.from(bytes);
    version[8] = 2;
    await assert.rejects(model.loadSession(damaged), coded('BAD_SESSION'));
    await assert.rejects(model.loadSession(bytes.subarray(0, -1)), coded('BAD_SESSION'));
    await assert.rejects(model.loadSession(new Uint8Array()), coded('BAD_SESSION'));
    await assert.rejects(model.loadSession(version), coded('BAD_VERSION'));
    await assert.rejects(model.loadSession('bytes'), coded('PARAM'));
    for (const open of [
        () => Trit.load(modelPath, { kv: 'f32', threads: 1 }),
        () => Trit.synthetic('tiny', { threads: 1 }),
    ]) {
        const other = await open();
        await assert.rejects(other.loadSession(bytes), coded('OTHER_SESSION'));
        other.close();
    }
    const small = await Trit.load(modelPath, { contextLength: 2, threads: 1 });
    await assert.rejects(small.loadSession(bytes), coded('PROMPT_TOO_LONG'));
    small.close();
    const { ids } = await model.generate(prompt, greedy).result;
    assert.equal(ids.length, 24, 'a refusal leaves an engine that works');
});

test('a fork goes its own way, and nothing is computed twice when two take turns', async () => {
    const questions = ['And then?', 'Why?', 'Who?'];
    const ask = async (one, text) => (await one.send(text, greedy).result).usage.cachedTokens;
    const chat = model.chat({ system: 'Be brief.' });
    await chat.send(prompt, greedy).result;
    const { history } = chat;
    const fork = chat.fork();
    assert.deepEqual(fork.history, history);
    const cached = { chat: [], fork: [] };
    for (const text of questions) {
        cached.fork.push(await ask(fork, text));
        cached.chat.push(await ask(chat, `No! ${text}`));
    }
    assert.notDeepEqual(fork.history, chat.history);

    // as if each were the only one
    for (const [name, one] of Object.entries({ chat, fork })) {
        const alone = await Trit.load(modelPath, { threads: 1 });
        const replay = alone.chat({ system: 'Be brief.' });
        await replay.send(prompt, greedy).result;
        for (const [i, { content }] of one.history.slice(3).entries())
            if (i % 2 === 0) assert.equal(await ask(replay, content), cached[name][i / 2], name);
        assert.deepEqual(replay.history, one.history);
        alone.close();
    }
});

test('a chat that was closed says so; its model goes on', async () => {
    const chat = model.chat();
    await chat.send(prompt, greedy).result;
    const fork = chat.fork();
    await fork.send('Why?', greedy).result;
    fork.close();
    fork.close();
    assert.throws(() => fork.send('x'), coded('DISPOSED'));
    assert.throws(() => fork.fork(), coded('DISPOSED'));
    await assert.rejects(fork.saveSession(), coded('DISPOSED'));
    const kept = await model.countTokens({ messages: chat.history.slice(0, 1) });
    const { usage } = await chat.send('More', greedy).result;
    assert.ok(
        usage.cachedTokens >= kept - 2,
        `${usage.cachedTokens} of ${kept}: ` + 'its context is there again',
    );
    await assert.rejects(model.chat().saveSession(), coded('PARAM'));
    for (const wrong of [7, [{}], [{ role: 'user', content: 1 }]])
        assert.throws(() => model.chat({ history: wrong }), coded('PARAM'));
    assert.throws(() => model.chat({ system: 'x', history: [] }), coded('PARAM'));
});

test('logprobs are the logits less their logarithmic sum, whatever the sampler does', async () => {
    const wild = { maxTokens: 6, temperature: 3, topK: 5, seed: 1, logitBias: { 300: 5 } };
    const plain = await model.generate(prompt, wild).result;
    const { ids, promptIds, logprobs } = await model.generate(prompt, { ...wild, logprobs: 3 })
        .result;
    assert.deepEqual(ids, plain.ids);
    assert.ok(!('logprobs' in plain));
    assert.deepEqual(
        logprobs.map(({ id }) => id),
        ids,
    );
    for (const [i, { id, logprob, top }] of logprobs.entries()) {
        const logits = await model.logits([...promptIds, ...ids.slice(0, i)]);
        const sum = Math.log(logits.reduce((total, x) => total + Math.exp(x), 0));
        assert.ok(Math.abs(logits[id] - sum - logprob) < 1e-6);
        const order = [...logits.keys()].sort((a, b) => logits[b] - logits[a] || a - b);
        assert.deepEqual(
            top.map((entry) => entry.id),
            order.slice(0, 3),
        );
        assert.ok(Math.abs(logits[order[2]] - sum - top[2].logprob) < 1e-6);
    }
    const { logprobs: own } = await model.generate(prompt, { ...greedy, logprobs: 0 }).result;
    assert.equal(own.length, 24);
    assert.deepEqual(own[0].top, []);
    for (const n of [-1, 21, 1.5, '3'])
        assert.throws(() => model.generate(prompt, { logprobs: n }), coded('PARAM'));
});

test('countTokens counts what generate computes', async () => {
    const messages = [{ role: 'user', content: prompt }];
    for (const asked of [prompt, { messages }, [1, 2, 3]]) {
        const { usage } = await model.generate(asked, { maxTokens: 0 }).result;
        assert.equal(await model.countTokens(asked), usage.promptTokens);
    }
    const template = '{{ bos_token }}{{ messages[0].content }}!';
    const own = await Trit.load(modelPath, { template, threads: 1 });
    const { usage } = await own.generate({ messages }, { maxTokens: 0 }).result;
    assert.equal(await own.countTokens({ messages }), usage.promptTokens);
    own.close();
    await assert.rejects(model.countTokens(7), coded('PARAM'));
});
