// What no caller should pass, and what callers' own functions and streams can do.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { inspect } from 'node:util';
import { NO_SETTINGS, samplingOf } from '../../examples/chat/page/settings.js';
import { Bindings } from '../../web/bindings.js';
import { Client } from '../../web/client.js';
import { generateOptionsOf } from '../../web/element-attributes.js';
import { startModule } from '../../web/flavours.js';
import { Trit, TritError } from '../../web/node.js';
import { modelPath } from './helpers.mjs';

const coded = (code) => (error) => error instanceof TritError && error.code === code;
const parameter = coded('PARAM');

let model;
before(async () => {
    model = await Trit.load(modelPath, { threads: 1 });
});
after(() => model.close());

test('options of a wrong kind are refused by every call', async () => {
    const chat = model.chat();
    const calls = [
        (options) => Trit.load(modelPath, options),
        (options) => Trit.synthetic('tiny', options),
        async (options) => model.generate('x', options),
        async (options) => chat.send('x', options),
        async (options) => model.chat(options),
        (options) => model.tokenize('x', options),
        (options) => model.detokenize([1], options),
        (options) => model.countTokens('x', options),
        (options) => model.saveSession('x', options),
        (options) => model.loadSession(new Uint8Array(), options),
        (options) => chat.saveSession(options),
        (options) => model.logits([1], options),
        (options) => model.score('x y', options),
        (options) => model.measure(options),
    ];
    for (const options of [null, 7, { signal: {} }, { signal: 7 }, { onProgress: 7 }])
        for (const call of calls) await assert.rejects(call(options), parameter, String(call));
    for (const recordBytes of [0, 65_535, 2 ** 24 + 1, 1e5 + 0.5, '1 MB'])
        await assert.rejects(Trit.load(modelPath, { store: { recordBytes } }), parameter);
    for (const store of ['x', 1, null, []])
        await assert.rejects(Trit.load(modelPath, { store }), parameter);
    for (const network of [null, 5, { retries: 1 }])
        await assert.rejects(Trit.load(modelPath, { network }), parameter);
    const { finish } = await chat.send('x', { maxTokens: 1 }).result;
    assert.equal(finish, 'length', 'a refused question does not keep the chat busy');
});

test('values of a wrong kind are refused, also where nothing stands', async () => {
    const hole = new Array(1);
    const user = (content) => [{ role: 'user', content }];
    for (const messages of [hole, [null], user(7), user(), [{ role: 'user\0', content: 'x' }]])
        assert.throws(() => model.generate({ messages }), parameter);
    const biases = [
        { '': 1 },
        { ' 5': 1 },
        { '0x5': 1 },
        new Map([[null, 1]]),
        new Map([['5', 1]]),
    ];
    for (const logitBias of [7, 'text', { 5: NaN }, { 5: '1' }, ...biases])
        assert.throws(() => model.generate('x', { logitBias }), parameter);
    assert.throws(() => model.generate('x', { stop: hole }), parameter);
    assert.throws(() => model.generate(hole), parameter);
    for (const shape of [undefined, 7, {}])
        await assert.rejects(Trit.synthetic(shape, { threads: 1 }), parameter);
    for (const weights of [{ zeros: '1' }, { zeros: NaN }, { gateZeros: null }, { gateZeros: 0.1 }])
        await assert.rejects(Trit.synthetic('tiny', { ...weights, threads: 1 }), parameter);
    for (const head of ['constructor', '__proto__', Symbol('head')])
        await assert.rejects(Trit.load(modelPath, { head, threads: 1 }), parameter);
    await assert.rejects(Trit.load(new URL('file://elsewhere/model.trit')), parameter);
    await assert.rejects(Trit.load('a\0b'), coded('FILE'));
});

test('an error shows what it has', () => {
    assert.ok(!inspect(new TritError('PARAM', 'no')).includes('undefined'));
    assert.match(
        inspect(new TritError('QUOTA', 'no', { needed: 7, cause: 5 })),
        /needed: 7(.|\n)*5/,
    );
});

test('what is no source is refused, also when it holds itself', async () => {
    const ring = {};
    Object.assign(ring, { ring, tensors: ring });
    const { tensors, ...plainRing } = ring;
    const odd = [plainRing, ring, [ring], { parts: null }, { parts: {} }, { parts: ring }];
    for (const source of [...odd, { [Symbol.asyncIterator]: 7 }, { [Symbol.iterator]: {} }])
        for (const load of [Trit.load, Trit.probe])
            await assert.rejects(load(source, { threads: 1 }), parameter, load.name);
});

test('what is longer than the context is refused before it is made', async () => {
    await assert.rejects(model.measure({ prefill: 2 ** 30, decode: 0 }), coded('PROMPT_TOO_LONG'));
    const unknown = { code: 'PARAM', message: 'token 2147483647 is not in the vocabulary' };
    await assert.rejects(model.detokenize([2 ** 31 - 1]), unknown);
    await assert.rejects(model.tokenBytes([2 ** 31 - 1]), unknown);
});

test('of a card only that advice is taken that the engine takes', () => {
    const tag = { getAttribute: () => null };
    const optionsOf = (sampling) => [
        generateOptionsOf(tag, { sampling }),
        samplingOf(NO_SETTINGS, sampling),
    ];
    const odd = [null, undefined, 7, 'hot', [], { temperature: '1', top_p: {}, top_k: 1.5 }];
    const beyond = [-1, Infinity, 1e9].map((n) => ({ temperature: n, top_p: n, top_k: n }));
    for (const sampling of [...odd, ...beyond, { temperature: NaN, top_p: 0 }])
        assert.deepEqual(optionsOf(sampling), [{}, {}], JSON.stringify(sampling));
    const good = { temperature: 0.7, topP: 0.9 };
    assert.deepEqual(optionsOf({ temperature: 0.7, top_p: 0.9, top_k: 5 }), [
        good,
        { ...good, topK: 5 },
    ]);
});

test('logits of more ids than fit take no memory', async () => {
    const ids = new Uint16Array(2 ** 21);
    await assert.rejects(model.logits(ids, { all: true }), coded('PROMPT_TOO_LONG'));
});

test('what a function of the caller throws reaches the caller', async () => {
    const mine = new Error('mine');
    const fail = () => {
        throw mine;
    };
    const isMine = (error) => error === mine;
    await assert.rejects(model.score('one two', { onProgress: fail }), isMine);
    await assert.rejects(Trit.load(modelPath, { onProgress: fail, threads: 1 }), isMine);
    const broken = (async function* () {
        yield Uint8Array.of(1, 2, 3);
        fail();
    })();
    await assert.rejects(Trit.load(broken, { threads: 1 }), isMine);
    assert.deepEqual((await model.generate('x', { maxTokens: 0 }).result).ids, []);
});

test('loading from a source that keeps silent can be stopped', async () => {
    const silent = (async function* () {
        await new Promise(() => {});
    })();
    const controller = new AbortController();
    const loading = Trit.load(silent, { signal: controller.signal, threads: 1 });
    setTimeout(() => controller.abort(), 200);
    await assert.rejects(loading, coded('ABORTED'));
});

test('an engine that has crashed is not asked again', async () => {
    let answer, ended;
    const client = new Client({
        post: () => {},
        onMessage: (take) => (answer = take),
        onFailure: () => {},
        terminate: () => (ended = true),
    });
    const calls = [client.call('logits', []), client.call('tokenize', [])];
    answer({ id: 1, error: { code: 'ENGINE_CRASHED', message: 'unreachable' } });
    calls.push(client.call('tokenize', []));
    for (const call of calls) await assert.rejects(call, coded('ENGINE_CRASHED'));
    assert.ok(ended);
});

test('a length beyond 32 bits is no short length', async () => {
    const bindings = new Bindings(await startModule({ flavour: 'simd128', threads: 1 }));
    assert.throws(() => bindings.alloc(2 ** 32 + 16), coded('OOM'));
});
