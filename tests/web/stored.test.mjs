// Models from addresses, through the store of files: what is kept, what is asked for again, what is refused.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { Trit } from '../../web/node.js';
import { cli, modelPath, temporaryFolder } from './helpers.mjs';
import { cutAt, serveModel, withHeaders } from './model-server.mjs';

const packed = readFileSync(modelPath);
const RECORD = 1 << 18;
const COUNT = Math.ceil(packed.length / RECORD);
const options = { threads: 1, flavour: 'simd128', store: { recordBytes: RECORD } };

/** A server of the file and an empty store. */
async function setUp(t, bytes) {
    process.env.TRIT_CACHE = temporaryFolder(t);
    const server = await serveModel(bytes);
    t.after(() => server.close());
    const records = async () => {
        const folder = join(process.env.TRIT_CACHE, 'record');
        const [model] = await readdir(folder).catch(() => []);
        if (!model) return [];
        return (await readdir(join(folder, model))).sort().map((name) => join(folder, model, name));
    };
    return { server, records, load: (more) => Trit.load(server.url, { ...options, ...more }) };
}

async function answer(model) {
    const { ids } = await model.generate('Once upon a time', { temperature: 0, maxTokens: 8 })
        .result;
    model.close();
    return ids;
}

let expected, gguf;
test.before(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trit-'));
    const path = join(folder, 'model.gguf');
    const { code, stderr } = await cli('convert', modelPath, '--to', 'tq2_0', '-o', path);
    assert.equal(code, 0, stderr);
    gguf = readFileSync(path);
    rmSync(folder, { recursive: true });
    expected = await answer(await Trit.load(modelPath, options));
});

for (const name of ['packed', 'GGUF'])
    test(`a ${name} file is asked for once, and then loads without its server`, async (t) => {
        const bytes = name === 'GGUF' ? gguf : packed;
        const { server, load } = await setUp(t, bytes);
        const first = await load();
        assert.equal(first.info.stored, true);
        assert.deepEqual(await answer(first), expected);
        assert.deepEqual(server.requests, [[0, undefined]]);
        server.close();
        assert.deepEqual(await answer(await load()), expected);
        const [model, ...others] = await Trit.models();
        assert.deepEqual(others, []);
        assert.deepEqual(
            [model.state, model.imported, model.about.source],
            ['complete', bytes === gguf, [server.url]],
        );
    });

test('after a download was given up, the next load asks only for what is missing', async (t) => {
    const { server, load, records } = await setUp(t, packed);
    server.fault = cutAt(3 * RECORD + 1000, 1500);
    await assert.rejects(load({ network: { tries: 1 } }), { code: 'NETWORK' });
    assert.equal((await Trit.models())[0].state, 'partial');
    const { length } = await records(); // 3, where what has come was read before the connection was cut
    assert.ok(length > 0 && length <= 3);
    server.fault = undefined;
    assert.deepEqual(await answer(await load()), expected);
    assert.deepEqual(server.requests.slice(1), [[length * RECORD, packed.length]]);
    assert.equal((await Trit.models())[0].state, 'complete');
});

test('a promised hash holds for a file whose middle came last', async (t) => {
    const { server, load, records } = await setUp(t, packed);
    const sha256 = createHash('sha256').update(packed).digest('hex');
    server.fault = cutAt(5 * RECORD, 1500);
    await assert.rejects(load({ sha256, network: { tries: 1 } }), { code: 'NETWORK' });
    server.fault = undefined;
    await rm((await records())[1]);
    assert.deepEqual(await answer(await load({ sha256 })), expected);
    assert.deepEqual(server.requests[1], [RECORD, 2 * RECORD]);
});

test('a long file is asked for in pieces, which need not end where records do', async (t) => {
    const { server, load } = await setUp(t, packed);
    const askedBytes = 700_000;
    assert.deepEqual(await answer(await load({ network: { askedBytes } })), expected);
    const begins = Array.from({ length: 4 }, (_, i) => i * askedBytes);
    assert.deepEqual(
        server.requests,
        begins.map((begin) => [
            begin,
            begin + askedBytes > packed.length ? undefined : begin + askedBytes,
        ]),
    );
    await assert.rejects(load({ network: { askedBytes: 0 } }), { code: 'PARAM' });
});

test('a damaged record is noticed, and only it is asked for again', async (t) => {
    const { server, load, records } = await setUp(t, packed);
    await answer(await load());
    const [first, second, third] = await records();
    const damages = {
        'one bit': async () => {
            const bytes = await readFile(second);
            bytes[bytes.length >> 1] ^= 1;
            await writeFile(second, bytes);
        },
        'cut off': async () => writeFile(second, (await readFile(second)).subarray(0, 1000)),
        gone: () => rm(second),
        empty: () => writeFile(second, ''),
        'the bytes of another': async () => writeFile(second, await readFile(third)),
        'the first, whose hash is right': async () => writeFile(second, await readFile(first)),
    };
    for (const [what, damage] of Object.entries(damages)) {
        server.requests.length = 0;
        await damage();
        assert.deepEqual(await answer(await load()), expected, what);
        assert.deepEqual(server.requests, [[RECORD, 2 * RECORD]], what);
        assert.deepEqual(await answer(await load()), expected, what);
        assert.equal(server.requests.length, 1, what);
    }
});

test('many records that are missing are asked for without a warning of the runtime', async (t) => {
    const { server, load, records } = await setUp(t, packed);
    const store = { recordBytes: 65_536 };
    await answer(await load({ store }));
    for (const [i, path] of (await records()).entries()) if (i % 2) await rm(path);
    const warnings = [];
    const note = (warning) => warnings.push(String(warning));
    process.on('warning', note);
    t.after(() => process.off('warning', note));
    server.requests.length = 0;
    assert.deepEqual(await answer(await load({ store })), expected);
    assert.ok(server.requests.length > 10);
    await new Promise(setImmediate);
    assert.deepEqual(warnings, []);
});

test('a source that has other bytes than were stored is refused', async (t) => {
    const { server, load, records } = await setUp(t, packed);
    await answer(await load());
    await rm((await records())[4]);
    server.bytes = Uint8Array.from(packed);
    server.bytes[4 * RECORD + 77] ^= 16;
    await assert.rejects(load(), { code: 'SOURCE_CHANGED' });
    server.bytes = packed;
    assert.deepEqual(await answer(await load()), expected);
});

test('what is longer than all records can be is refused, and the sentence says what to do', async (t) => {
    const { server, load } = await setUp(t, packed);
    const total = 4096 * 65_536 + 1;
    server.fault = withHeaders({ 'content-range': `bytes 0-${packed.length - 1}/${total}` });
    await assert.rejects(load({ store: { recordBytes: 65_536 } }), ({ code, message }) => {
        assert.match(message, /store\.recordBytes be larger/);
        return code === 'SIZE';
    });
});

test('a source of another length than was announced is refused', async (t) => {
    const { server, load } = await setUp(t, packed);
    server.fault = cutAt(2 * RECORD, 1500);
    await assert.rejects(load({ network: { tries: 1 } }), { code: 'NETWORK' });
    server.fault = undefined;
    server.bytes = packed.subarray(0, packed.length - 1000);
    await assert.rejects(load(), ({ code }) => /SIZE|TRUNCATED/.test(code));
});

for (const name of ['packed', 'GGUF'])
    test(`a ${name} file must have the SHA-256 that is asked for`, async (t) => {
        const bytes = name === 'GGUF' ? gguf : packed;
        const { load } = await setUp(t, bytes);
        await assert.rejects(load({ sha256: '0'.repeat(64) }), { code: 'HASH' });
        assert.deepEqual(await Trit.models(), []);
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        for (const visit of ['first', 'second'])
            assert.deepEqual(await answer(await load({ sha256 })), expected, visit);
    });

test('a SHA-256 that nobody would look at is refused', async (t) => {
    const { load } = await setUp(t, packed);
    const sha256 = '0'.repeat(64);
    for (const more of [{ sha256: 'abc' }, { sha256, store: false }])
        await assert.rejects(load(more), { code: 'PARAM' });
    await assert.rejects(Trit.load(packed, { ...options, sha256 }), { code: 'PARAM' });
});

test('what is no model is not stored', async (t) => {
    const { load, records } = await setUp(t, new TextEncoder().encode('<html>'.repeat(100_000)));
    await assert.rejects(load(), { code: 'NOT_A_MODEL' });
    assert.deepEqual(await records(), []);
});

test('a stored model is deleted, and with it all its records', async (t) => {
    const { load, records } = await setUp(t, packed);
    await answer(await load());
    const [{ id }] = await Trit.models();
    await Trit.deleteModel(id);
    assert.deepEqual([await Trit.models(), await records()], [[], []]);
    await assert.rejects(Trit.deleteModel('x'), { code: 'PARAM' });
});

test('two that load the same model at once download it once', async (t) => {
    const { server, load } = await setUp(t, packed);
    const both = await Promise.all([load(), load()]);
    for (const model of both) assert.deepEqual(await answer(model), expected);
    assert.deepEqual(server.requests, [[0, undefined]]);
});

test('without the store the model is asked for each time', async (t) => {
    const { server, load, records } = await setUp(t, packed);
    for (const n of [1, 2]) {
        const model = await load({ store: false });
        assert.equal(model.info.stored, undefined);
        assert.deepEqual(await answer(model), expected);
        assert.equal(server.requests.length, n);
    }
    assert.deepEqual(await records(), []);
});

test(`the packed file is cut into ${COUNT} records`, async (t) => {
    const { load, records } = await setUp(t, packed);
    await answer(await load());
    const parts = await Promise.all((await records()).map((path) => readFile(path)));
    assert.equal(parts.length, COUNT);
    assert.ok(Buffer.concat(parts.map((part) => part.subarray(72))).equals(packed));
});
