// What is told of a model before it is there, and that what cannot fit is refused before it comes: row R07 of the table
// of faults.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { Trit, TritError } from '../../web/node.js';
import { cli, modelPath, temporaryFolder } from './helpers.mjs';
import { serveModel } from './model-server.mjs';

const coded = (code) => (error) => error instanceof TritError && error.code === code;
const threads = 1;

let bytes;
before(async () => (bytes = await readFile(modelPath)));

/** The model as if it had been made for another context; its tensors as they are. */
function withContext(nCtx) {
    const n = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + n));
    const own = JSON.parse(header.__metadata__.trit);
    own.config.n_ctx = nCtx;
    header.__metadata__.trit = JSON.stringify(own);
    const text = JSON.stringify(header);
    const length = Math.ceil((text.length + 8) / 64) * 64 - 8;
    const head = Buffer.alloc(8);
    head.writeBigUInt64LE(BigInt(length));
    return Buffer.concat([head, Buffer.from(text.padEnd(length)), bytes.subarray(8 + n)]);
}

test('a packed file at an address: only its beginning is asked for, and what is told comes true', async (t) => {
    const server = await serveModel(Buffer.concat([bytes, Buffer.alloc(1 << 20)]));
    t.after(server.close);
    const probed = await Trit.probe(server.url, { threads });
    assert.equal(server.requests.length, 1);
    const [[begin, end]] = server.requests;
    assert.ok(begin === 0 && end < bytes.length / 2, `${begin} ... ${end}`);
    assert.equal(probed.bytes, server.bytes.length);
    server.bytes = bytes;
    const model = await Trit.load(server.url, { threads });
    t.after(() => model.close());
    const { fits, container, licence, note, stored } = probed;
    assert.deepEqual(
        { fits, container, licence, note, stored },
        {
            ...{ fits: true, container: 'packed', licence: 'MIT', note: null, stored: false },
        },
    );
    const again = await Trit.probe(server.url, { threads });
    assert.equal(again.stored, true);
    const other = await Trit.probe(server.url, { threads, i2s: 'arm' });
    assert.equal(other.stored, false, 'the store has it as another model');
    const wrong = { network: { tries: 'many' } };
    await assert.rejects(Trit.probe(server.url, wrong), coded('PARAM'), 'as load refuses it');

    const runs = [];
    for (let i = 0; i < 3; i++) runs.push(await model.measure({ prefill: 64, decode: 64 }));
    const best = (name) => Math.min(...runs.map((run) => run[name]));
    const { memoryBytes } = runs[0];
    const records = 3 * 16 * 2 ** 20; // of the store
    assert.ok(probed.memoryBytes - records < 1.2 * memoryBytes);
    assert.ok(probed.memoryBytes > memoryBytes - 2 ** 20, `${probed.memoryBytes}, ${memoryBytes}`);
    // other work comes and goes, here; npm run bench:probe says how near it is on a quiet machine
    const near = (foretold, real) => foretold > real / 5 && foretold < real * 5;
    const { decodeTokensPerSecond, prefillTokensPerSecond } = probed.expected;
    assert.ok(near(decodeTokensPerSecond, 64_000 / best('decodeMs')), `${decodeTokensPerSecond}`);
    assert.ok(
        near(prefillTokensPerSecond, 64_000 / best('prefillMs')),
        `${prefillTokensPerSecond}`,
    );
});

test('files of other engines, from a path, an address or a list', async (t) => {
    const folder = temporaryFolder(t);
    const gguf = join(folder, 'model.gguf');
    const hf = join(folder, 'hf');
    for (const [to, out] of [
        ['tq2_0', gguf],
        ['safetensors', hf],
    ])
        assert.equal((await cli('convert', modelPath, '--to', to, '-o', out)).code, 0);
    const server = await serveModel(await readFile(gguf));
    t.after(server.close);
    const packed = await Trit.probe(modelPath, { threads });
    for (const [source, container] of [
        [gguf, 'gguf'],
        [server.url, 'gguf'],
        [new Blob([server.bytes]), 'gguf'],
        [hf, 'safetensors'],
    ]) {
        const probed = await Trit.probe(source, { threads });
        assert.equal(probed.container, container);
        assert.ok(probed.fits && probed.expected.decodeTokensPerSecond > 0);
        assert.ok(probed.bytes > 1e6);
        const more =
            probed.memoryBytes - packed.memoryBytes - (source === server.url ? 48 << 20 : 0);
        assert.ok(more > -1e5 && more < 8e6, `${container}: ${more}`);
    }
    const last = Math.max(...server.requests.map(([, end]) => end));
    assert.ok(last < server.bytes.length, `${last} of ${server.bytes.length}`);
});

test('R07 a model whose context cannot fit is told, and refused when its header is there', async (t) => {
    const server = await serveModel(withContext(930_000));
    t.after(server.close);
    let sent = 0;
    let isCut = false;
    // the header in one chunk, and then nothing more
    server.fault = (request, response, begin, end = server.bytes.length) => {
        const part = server.bytes.subarray(begin, 1 << 16);
        sent += part.length;
        response.on('close', () => (isCut = true));
        response.writeHead(206, {
            'content-range': `bytes ${begin}-${Math.min(end, server.bytes.length) - 1}/${server.bytes.length}`,
        });
        response.write(part);
        return true;
    };
    const probed = await Trit.probe(server.url, { threads });
    assert.deepEqual([probed.fits, probed.expected], [false, null]);
    assert.match(
        probed.note,
        /it needs .* MB of memory, and \d+ MB is all .*: choose a smaller contextLength/,
    );
    for (const store of [true, false])
        await assert.rejects(Trit.load(server.url, { threads, store }), (error) => {
            assert.match(error.message, /need .* MB of memory.*choose a smaller contextLength/);
            return coded('OOM')(error);
        });
    assert.ok(isCut && sent <= 3 << 16, `${sent} bytes`);
    server.fault = undefined;
    const model = await Trit.load(server.url, { threads, contextLength: 512 });
    assert.equal((await Trit.probe(server.url, { threads, contextLength: 512 })).fits, true);
    model.close();

    const huge = await Trit.probe(withContext(2 ** 20), { threads });
    assert.deepEqual([huge.fits, huge.memoryBytes], [false, null]);
    assert.match(huge.note, /more than 4295 MB/);
});

test('what is no model, cut or a stream has its code', async () => {
    const probe = (source) => Trit.probe(source, { threads });
    await assert.rejects(
        probe(Buffer.from('<!doctype html><p>not found</p>')),
        coded('NOT_A_MODEL'),
    );
    await assert.rejects(probe(bytes.subarray(0, 1000)), coded('TRUNCATED'));
    const stream = (async function* () {
        yield bytes;
    })();
    await assert.rejects(probe(stream), coded('PARAM'));
    assert.equal((await stream.next()).value, bytes, 'nothing of it was taken');
    const signal = AbortSignal.abort();
    await assert.rejects(Trit.probe(bytes, { signal }), coded('ABORTED'));
});
