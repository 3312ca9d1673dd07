// Models from addresses that are packed while they come: an import that was stopped goes on where it was, and of a
// damaged one only the piece of the source is asked for that makes what is damaged.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { Trit } from '../../web/node.js';
import { cli, modelPath, temporaryFolder } from './helpers.mjs';
import { serveModel } from './model-server.mjs';

const RECORD = 1 << 16;
/** A piece of the source, what of it waits for its other half, and what is on its way. */
const PIECES = 4 * RECORD + (1 << 18);
const options = { threads: 1, flavour: 'simd128', store: { recordBytes: RECORD } };
const SIDES = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];

let expected;
/** @type {Record<string, {bytes: Buffer, sides: Record<string, Buffer>}>} */
const sources = {};

async function answer(model) {
    const { ids } = await model.generate('Once upon a time', { temperature: 0, maxTokens: 8 })
        .result;
    model.close();
    return ids;
}

before(async () => {
    expected = await answer(await Trit.load(modelPath, options));
    for (const container of ['tq2_0', 'i2_s', 'safetensors']) {
        const folder = mkdtempSync(join(tmpdir(), 'trit-'));
        const out = join(folder, container);
        const { code, stderr } = await cli('convert', modelPath, '--to', container, '-o', out);
        assert.equal(code, 0, stderr);
        const isFolder = container === 'safetensors';
        const names = isFolder ? readdirSync(out).filter((name) => SIDES.includes(name)) : [];
        sources[container] = {
            bytes: readFileSync(isFolder ? join(out, 'model.safetensors') : out),
            sides: Object.fromEntries(names.map((name) => [name, readFileSync(join(out, name))])),
        };
        rmSync(folder, { recursive: true });
    }
});

/** A server of the source and an empty store; what is loaded, and the records that are stored. */
async function setUp(t, container) {
    process.env.TRIT_CACHE = temporaryFolder(t);
    const { bytes, sides } = sources[container];
    const server = await serveModel(bytes);
    t.after(() => server.close());
    const isFolder = container === 'safetensors';
    const tensors = isFolder ? '/model.safetensors' : '/model';
    const files = Object.entries({ [tensors.slice(1)]: bytes, ...sides });
    server.files = Object.fromEntries(files.map(([name, text]) => [`/${name}`, text]));
    const source = isFolder ? files.map(([name]) => `${server.origin}/${name}`) : server.url;
    /** What was asked for of the tensors since the last call. */
    const asked = () => {
        const paths = server.paths.splice(0);
        return server.requests.splice(0).filter((_, i) => paths[i] === tensors);
    };
    const records = () => {
        const folder = join(process.env.TRIT_CACHE, 'record');
        const [model] = readdirSync(folder);
        const all = readdirSync(join(folder, model)).sort();
        return all.filter((name) => /^\d/.test(name)).map((name) => join(folder, model, name));
    };
    return {
        server,
        bytes,
        tensors,
        records,
        asked,
        load: (more) => Trit.load(source, { ...options, ...more }),
    };
}

/** Loads until so many bytes have been handed over; returns how many they were. */
async function stopAt(load, share, bytes, more) {
    const stop = new AbortController();
    let loaded = 0;
    const onProgress = (progress) => {
        loaded = progress.loaded;
        if (loaded >= share * bytes.length) stop.abort();
    };
    await assert.rejects(load({ signal: stop.signal, onProgress, ...more }), { code: 'ABORTED' });
    return loaded;
}

for (const container of ['tq2_0', 'i2_s', 'safetensors'])
    for (const hashed of container === 'tq2_0' ? [false, true] : [false])
        test(`an import of ${container} goes on${hashed ? ', hash and all' : ''}`, async (t) => {
            const { bytes, asked, load } = await setUp(t, container);
            const sha256 = createHash('sha256').update(bytes).digest('hex');
            const more = hashed ? { sha256 } : {};
            for (const share of [0.1, 0.45, 0.8, 0.95]) {
                const loaded = await stopAt(load, share, bytes, more);
                asked();
                const stop = new AbortController();
                await assert.rejects(
                    load({ ...more, signal: stop.signal, onProgress: () => stop.abort() }),
                );
                const [[begin]] = asked();
                assert.ok(begin <= loaded && begin >= loaded - PIECES, `${begin} of ${loaded}`);
            }
            assert.equal((await Trit.models())[0].state, 'partial');
            assert.deepEqual(await answer(await load(more)), expected);
            const [model] = await Trit.models();
            assert.deepEqual([model.state, model.imported], ['complete', true]);
            asked();
            assert.deepEqual(await answer(await load(more)), expected);
            assert.deepEqual(asked(), []);
        });

test('a damaged import asks for the piece that is damaged', async (t) => {
    const { bytes, asked, load, records } = await setUp(t, 'i2_s');
    await answer(await load());
    const all = records();
    for (const [i, harm] of [
        [0, rm],
        [3, rm],
        [all.length >> 1, (path) => readFile(path).then((was) => writeFile(path, was.fill(7, 90)))],
        [all.length - 1, rm],
    ]) {
        asked();
        await harm(all[i]);
        assert.deepEqual(await answer(await load()), expected);
        let sent = 0;
        for (const [begin, end] of asked()) sent += (end ?? bytes.length) - begin;
        assert.ok(sent <= 2 * RECORD, `record ${i}: ${sent} bytes`);
        assert.equal(sent === 0, i === 0); // header and tokenizer are made of the source's header
        assert.deepEqual(await answer(await load()), expected);
        assert.deepEqual(asked(), []);
    }
});

test('of an import whose kept header or place is not its own nothing is kept', async (t) => {
    const { bytes, asked, load } = await setUp(t, 'i2_s');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const folder = join(process.env.TRIT_CACHE, 'record');
    /** Writes a value as the store does, hash and all. */
    const put = async (name, change) => {
        const path = join(folder, readdirSync(folder)[0], name);
        const value = change(await readFile(path));
        value.writeUInt32LE(value.length - 72, 68);
        createHash('sha256').update(value.subarray(32)).digest().copy(value);
        await writeFile(path, value);
    };
    const moved = (to) => (value) => (value.writeBigUInt64LE(BigInt(to), 72), value);
    for (const harm of [
        () => put('c0000000', moved(bytes.length)),
        () => put('c0000000', moved(2n ** 64n - 1n)),
        () => put('c0000000', (value) => moved(value.readBigUInt64LE(72) + 1n)(value)),
    ]) {
        await stopAt(load, 0.5, bytes, { sha256 });
        await harm();
        await assert.rejects(load({ sha256 }), { code: 'BAD_HEADER' });
        assert.deepEqual(await Trit.models(), []);
    }
    // without a hash: a header that is longer than the source's is
    await stopAt(load, 0.5, bytes);
    const last = readdirSync(join(folder, readdirSync(folder)[0])).filter((name) =>
        /^s/.test(name),
    );
    const begin = (last.length - 1) * RECORD;
    await put(last.at(-1), (value) =>
        Buffer.concat([value.subarray(0, 72), bytes.subarray(begin, begin + RECORD)]),
    );
    await assert.rejects(load(), { code: 'BAD_HEADER' });
    asked();
    assert.deepEqual(await answer(await load()), expected);
    assert.deepEqual(asked(), [[0, undefined]]);
});

test('an import whose source has become another file is refused by its hash', async (t) => {
    const { server, bytes, tensors, load } = await setUp(t, 'tq2_0');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await stopAt(load, 0.5, bytes, { sha256 });
    server.files[tensors] = Uint8Array.from(bytes);
    server.files[tensors][bytes.length - 3] ^= 1;
    await assert.rejects(load({ sha256 }), { code: 'HASH' });
    assert.deepEqual(await Trit.models(), []);
    server.files[tensors] = bytes;
    assert.deepEqual(await answer(await load({ sha256 })), expected);
});
