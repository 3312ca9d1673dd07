// Files of the user's are kept as models from addresses are, and what is kept is loaded by its id, without where it
// came from; what is missing of it then comes from the same file, given again, or from its address.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { Trit } from '../../web/node.js';
import { cli, modelPath, temporaryFolder } from './helpers.mjs';
import { serveModel } from './model-server.mjs';

const RECORD = 1 << 17;
const options = { threads: 1, flavour: 'simd128', store: { recordBytes: RECORD } };
/** @type {Record<string, Buffer>} */
const bytes = {};
let expected;

async function answer(model) {
    const { ids } = await model.generate('Once upon a time', { temperature: 0, maxTokens: 8 })
        .result;
    model.close();
    return ids;
}

before(async () => {
    bytes.packed = readFileSync(modelPath);
    const folder = mkdtempSync(join(tmpdir(), 'trit-'));
    const path = join(folder, 'model.gguf');
    const { code, stderr } = await cli('convert', modelPath, '--to', 'i2_s', '-o', path);
    assert.equal(code, 0, stderr);
    bytes.GGUF = readFileSync(path);
    rmSync(folder, { recursive: true });
    expected = await answer(await Trit.load(modelPath, options));
});

/** A file that tells how many bytes of it were read. */
function countedFile(content, name) {
    const file = new File([content], name, { lastModified: 1_700_000_000_000 });
    const read = { bytes: 0 };
    file.slice = (begin, end) => {
        const part = File.prototype.slice.call(file, begin, end);
        read.bytes += part.size;
        return part;
    };
    return { file, read };
}

const records = () => {
    const folder = join(process.env.TRIT_CACHE, 'record');
    const [model] = readdirSync(folder);
    const names = readdirSync(join(folder, model)).filter((name) => /^\d/.test(name));
    return names.sort().map((name) => join(folder, model, name));
};

for (const kind of ['packed', 'GGUF'])
    test(`a ${kind} file of the user's is kept, and given again it mends what is missing`, async (t) => {
        process.env.TRIT_CACHE = temporaryFolder(t);
        const { file, read } = countedFile(bytes[kind], 'model.bin');
        const first = await Trit.load(file, options);
        assert.equal(first.info.stored, true);
        assert.deepEqual(await answer(first), expected);
        const [{ id, state, about }] = await Trit.models();
        assert.equal(state, 'complete');
        assert.match(about.source[0], /^file:model\.bin, \d+ bytes, 1700000000000$/);

        assert.deepEqual(await answer(await Trit.load(`stored:${id}`, options)), expected);

        await rm(records().at(-3));
        await assert.rejects(Trit.load(`stored:${id}`, options), { code: 'IMPORT_AGAIN' });
        read.bytes = 0;
        assert.deepEqual(await answer(await Trit.load(file, options)), expected);
        assert.ok(read.bytes > 0 && read.bytes <= 3 * RECORD, `${read.bytes} bytes were read`);
        assert.deepEqual(await answer(await Trit.load(`stored:${id}`, options)), expected);
        assert.equal((await Trit.models()).length, 1);
    });

test('a model from an address is loaded by its id, and asks its address for what is missing', async (t) => {
    process.env.TRIT_CACHE = temporaryFolder(t);
    const server = await serveModel(bytes.GGUF);
    t.after(() => server.close());
    await answer(await Trit.load(server.url, { ...options, head: 'f16' }));
    const [{ id }] = await Trit.models();
    server.requests.length = 0;
    const { info } = await Trit.load(`stored:${id}`, options);
    assert.deepEqual([info.head, server.requests.length], ['f16', 0]);
    await rm(records().at(-3));
    await answer(await Trit.load(`stored:${id}`, options));
    assert.equal(server.requests.length, 1);
    assert.equal((await Trit.models()).length, 1);
});

test('a stored model is loaded as it was stored, and another wish is refused', async (t) => {
    process.env.TRIT_CACHE = temporaryFolder(t);
    const file = new File([bytes.GGUF], 'model.gguf');
    await answer(await Trit.load(file, { ...options, head: 'f16' }));
    const [{ id }] = await Trit.models();
    for (const other of [{ head: 'int8' }, { i2s: 'arm' }, { sha256: '0'.repeat(64) }])
        await assert.rejects(Trit.load(`stored:${id}`, { ...options, ...other }), {
            code: 'PARAM',
        });
    const same = await Trit.load(`stored:${id}`, { ...options, head: 'f16' });
    assert.equal(same.info.head, 'f16');
    same.close();
});

test('what is not stored is told', async (t) => {
    process.env.TRIT_CACHE = temporaryFolder(t);
    await assert.rejects(Trit.load(`stored:${'0'.repeat(64)}`, options), { code: 'NOT_STORED' });
    await assert.rejects(Trit.load('stored:model', options), { code: 'PARAM' });
    await assert.rejects(Trit.load(new File([], 'model.bin'), options), {
        code: 'SIZE',
        message: 'the source is empty',
    });
    const file = new File([bytes.packed], 'model.bin');
    await answer(await Trit.load(file, { ...options, store: false }));
    await answer(await Trit.load(new Blob([bytes.packed]), options)); // without a name
    assert.deepEqual(await Trit.models(), []);
});
