// What networks and servers do wrong: rows N01 ... N29 of the table of faults, by number. What only a browser shows is
// in faults-network-browser.test.mjs.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openUrl } from '../../web/fetching.js';
import { Trit, TritError } from '../../web/node.js';
import { isOther, readResponse } from '../../web/responses.js';
import { pause } from '../../web/waiting.js';
import { modelPath, temporaryFolder } from './helpers.mjs';
import { cutAt, inTurn, partHeaders, raw, serveModel } from './model-server.mjs';
import { silentAt, status, whole, withHeaders } from './model-server.mjs';

const packed = readFileSync(modelPath);
const RECORD = 1 << 18;
const network = { stallMs: 5000, delayMs: 1, mostDelayMs: 4 };
const options = { threads: 1, flavour: 'simd128', store: { recordBytes: RECORD }, network };
const coded = (code) => (error) => error instanceof TritError && error.code === code;

const rejections = [];
const note = (reason) => rejections.push(reason);
process.on('unhandledRejection', note);
after(() => {
    process.off('unhandledRejection', note);
    assert.deepEqual(rejections, []);
});

let expected;
before(async () => {
    expected = await answer(await Trit.load(modelPath, options));
});

async function answer(model) {
    const { ids } = await model.generate('Once upon a time', { temperature: 0, maxTokens: 4 })
        .result;
    model.close();
    return ids;
}

/** A server of the model, whose first requests meet with these faults, and an empty store. */
async function setUp(t, ...faults) {
    process.env.TRIT_CACHE = temporaryFolder(t);
    const server = await serveModel(packed);
    t.after(() => server.close());
    server.fault = inTurn(...faults);
    const records = async () => {
        const folder = join(process.env.TRIT_CACHE, 'record');
        const [model] = await readdir(folder).catch(() => []);
        if (!model) return [];
        return (await readdir(join(folder, model))).sort().map((name) => join(folder, model, name));
    };
    const load = (more) => Trit.load(server.url, { ...options, ...more });
    return {
        ...{ server, records, load },
        fails: (code, more) => assert.rejects(load(more), coded(code)),
        works: async (more) => assert.deepEqual(await answer(await load(more)), expected),
    };
}

test('N01 a connection cut anywhere goes on where it was', async (t) => {
    const places = [0, 1, 100, 3 * RECORD + 1000, 5 * RECORD, packed.length - 1];
    const { server, works } = await setUp(t, ...places.map((at) => cutAt(at)));
    await works();
    const begins = server.requests.map(([begin]) => begin);
    assert.equal(begins.length, places.length + 1);
    begins.slice(1).forEach((begin, i) => assert.ok(begin <= places[i] && begin >= begins[i]));
    const { length } = server.requests;
    await works();
    assert.equal(server.requests.length, length, 'all of it is stored');
});

test('N02 a body in chunks that is cut goes on where it was', async (t) => {
    const cut = (at) =>
        function (request, response, begin) {
            response.writeHead(206, { ...partHeaders(this, begin), 'content-length': [] });
            response.write(this.bytes.subarray(begin, at), () =>
                setTimeout(() => response.destroy(), 50),
            );
            return true;
        };
    const { server, works } = await setUp(t, cut(1000), cut(2 * RECORD + 5));
    await works();
    assert.equal(server.requests.length, 3);
});

test('N03 a body that only the end of the connection ends, cut short', async (t) => {
    const head = ['HTTP/1.1 206 OK', 'connection: close'];
    const { server, works } = await setUp(t, raw([...head, 'RANGE'], RECORD + 9));
    await works();
    assert.deepEqual(server.requests, [
        [0, undefined],
        [RECORD + 9, undefined],
    ]);
});

test('N03 a body that ends twice at one place has its end there, whatever was announced', async (t) => {
    const short = raw(['HTTP/1.1 206 OK', 'connection: close', 'RANGE'], RECORD + 9);
    const { server, fails } = await setUp(t, short, short);
    await fails('SIZE');
    assert.equal(server.requests.length, 2);
});

test('N03 without any length, the model itself says that it is cut; the next load is whole', async (t) => {
    const head = ['HTTP/1.1 200 OK', 'connection: close'];
    const { records, fails, works } = await setUp(t, raw(head, RECORD + 9), raw(head));
    await fails('TRUNCATED');
    assert.deepEqual(await records(), []);
    await works();
});

test('N04 HTTP/1.0 with a length that the body does not have', async (t) => {
    const head = ['HTTP/1.0 206 OK', 'RANGE', 'content-length: LENGTH'];
    const { server, works } = await setUp(t, raw(head, RECORD + 9));
    await works();
    assert.equal(server.requests.length, 2);
});

test('N05 a length that is smaller than the body', async (t) => {
    const head = ['HTTP/1.1 206 OK', 'connection: close', 'RANGE', 'content-length: 1000'];
    const { fails, records } = await setUp(t, raw(head));
    await fails('SIZE');
    const small = ['HTTP/1.1 200 OK', 'connection: close', 'content-length: 100000'];
    const other = await setUp(t, raw(small));
    await other.fails('TRUNCATED'); // a length of its own, at which the file is none
    assert.deepEqual([await records(), await other.records()], [[], []]);
});

test('N06 a body that is longer than was announced', async (t) => {
    const { fails, works } = await setUp(t, function (request, response, begin) {
        response.writeHead(206, { ...partHeaders(this, begin), 'content-length': [] });
        response.write(this.bytes.subarray(begin));
        setTimeout(() => response.end('more'), 1500);
        return true;
    });
    await fails('SIZE');
    await works();
});

test('N07 a server that cannot go on in the middle sends all again, of which only what is missing is taken', async (t) => {
    const { server, records, works } = await setUp(t, cutAt(3 * RECORD + 1000), whole());
    await works();
    assert.equal(server.requests.length, 2);
    const [first, second] = await records();
    await rm(second);
    const before = (await readFile(first)).toString('hex');
    server.fault = whole();
    await works();
    assert.equal((await readFile(first)).toString('hex'), before);
});

for (const [what, range] of [
    ['begins elsewhere', 'bytes 1-99/100'],
    ['ends before it begins', `bytes 0-${packed.length}/${packed.length}`],
    ['has no length', `bytes 0-${packed.length - 1}/*`],
    ['says nothing', 'bytes */*'],
    ['is missing', undefined],
    ['is of impossible length', `bytes 0-${packed.length - 1}/99999999999999999999`],
])
    test(`N08 an answer whose range ${what} is refused, and nothing stored`, async (t) => {
        const { fails, records } = await setUp(t, withHeaders({ 'content-range': range }));
        await fails('RANGE');
        assert.deepEqual(await records(), []);
    });

test('N08 a part of a file of another length is not put to the others', async (t) => {
    const { server, fails } = await setUp(t, cutAt(RECORD), function (request, response, begin) {
        const range = `bytes ${begin}-${this.bytes.length - 1}/${this.bytes.length + 1}`;
        return withHeaders({ 'content-range': range }).call(this, request, response, begin);
    });
    await fails('SOURCE_CHANGED');
    assert.equal(server.requests.length, 2);
});

test('N09 an answer of several parts is refused', async (t) => {
    const type = { 'content-type': 'multipart/byteranges; boundary=x', 'content-range': undefined };
    const { fails, records } = await setUp(t, withHeaders(type));
    await fails('RANGE');
    assert.deepEqual(await records(), []);
});

for (const header of ['etag', 'last-modified'])
    test(`N10 a file whose ${header} has changed is not put together with the old one`, async (t) => {
        const { server, fails, works, records } = await setUp(t, cutAt(3 * RECORD, 1000));
        server.headers[header] = '"a"';
        await fails('NETWORK', { network: { ...network, tries: 1 } });
        server.headers[header] = '"b"';
        await fails('SOURCE_CHANGED');
        assert.ok((await records()).length > 0, 'what was stored stays');
        server.headers[header] = '"a"';
        await works();
        server.headers[header] = '"b"';
        await works(); // whole, it asks for nothing
    });

test('N11 a damaged record of a file that has become another is asked for three times', async (t) => {
    const { server, fails, works, records } = await setUp(t);
    await works();
    await rm((await records())[4]);
    server.requests.length = 0;
    server.bytes = Uint8Array.from(packed);
    server.bytes[4 * RECORD + 77] ^= 16;
    await fails('SOURCE_CHANGED');
    assert.deepEqual(server.requests, Array(3).fill([4 * RECORD, 5 * RECORD]));
    server.bytes = packed;
    await works();
});

test('N11 of a file that is not the promised one nothing stays, and the right one loads', async (t) => {
    const { server, fails, works, records } = await setUp(t);
    const sha256 = createHash('sha256').update(packed).digest('hex');
    server.bytes = Uint8Array.from(packed);
    server.bytes[packed.length - 1] ^= 1;
    await fails('HASH', { sha256 });
    assert.deepEqual([await records(), await Trit.models()], [[], []]);
    server.bytes = packed;
    await works({ sha256 });
    await works({ sha256 });
    assert.equal(server.requests.length, 2);
});

test('N10 an ETag counts more than a time, and is the same when it is weak', () => {
    const [a, b] = ['Mon, 01 Jun 2026 00:00:00 GMT', 'Mon, 01 Jun 2026 00:00:01 GMT'];
    assert.ok(!isOther({ etag: '"a"', modified: a }, { etag: 'W/"a"', modified: b }));
    assert.ok(isOther({ etag: '"a"', modified: a }, { etag: '"b"', modified: a }));
    assert.ok(isOther({ etag: '"a"', modified: a }, { modified: b }));
    assert.ok(!isOther({ etag: '"a"' }, { modified: b }));
});

test('N12 a later part that is all of another file is refused; no If-Range is sent', async (t) => {
    const { server, fails } = await setUp(t, cutAt(RECORD), whole({ etag: '"b"' }));
    server.headers.etag = '"a"';
    await fails('SOURCE_CHANGED');
    assert.ok(server.asked.every((headers) => !('if-range' in headers)));
});

test('N13 nothing is left: the end of a file that is whole, otherwise a shorter one', async (t) => {
    // Of a file of whole records whose length nobody has told, the next byte is asked for.
    const of = async (total, begin) => {
        const range = { 'content-range': `bytes */${total}` };
        const { server } = await setUp(t, status(416, range));
        const { chunks, ...opened } = await openUrl(server.url, undefined, { begin, network });
        for await (const chunk of chunks) assert.fail(`${chunk.length} bytes`);
        return opened.total;
    };
    assert.equal(await of(RECORD, RECORD), RECORD);
    await assert.rejects(of(RECORD, RECORD - 1), coded('SOURCE_CHANGED'));
    await assert.rejects(of(0, 0), coded('SIZE'));
    const { fails } = await setUp(t, cutAt(3 * RECORD), status(416));
    await fails('SOURCE_CHANGED');
});

test('N14 a server that compresses: all of it is right, a part is refused', async (t) => {
    const bytes = gzipSync(packed);
    const encoding = { 'content-encoding': 'gzip', 'content-length': bytes.length };
    const { load, fails } = await setUp(t, whole(encoding, bytes), withHeaders(encoding));
    const shares = [];
    const onProgress = ({ loaded, total }) => shares.push(loaded / (total ?? loaded));
    assert.deepEqual(await answer(await load({ store: false, onProgress })), expected);
    assert.ok(shares.length > 0 && shares.every((share) => share <= 1));
    await fails('ENCODING');
});

test('N15 a compressed body that is cut inside its framing is noticed', async (t) => {
    const bytes = gzipSync(packed);
    const encoding = { 'content-encoding': 'gzip' };
    const { load, works, records } = await setUp(
        t,
        whole(encoding, bytes.subarray(0, bytes.length >> 1)),
        whole(encoding, bytes),
    );
    // some runtimes notice by themselves, and then it is asked for again
    const code = await load().then(answer, (error) => error.code);
    if (code === 'TRUNCATED') assert.deepEqual(await records(), []);
    else assert.deepEqual(code, expected);
    await works();
});

test('N20 an address that expires behind a redirect is made anew, and then its status told', async (t) => {
    const { server: target } = await setUp(t, cutAt(RECORD + 5), status(403));
    const redirect = createServer((request, response) => {
        response.writeHead(302, { location: target.url }).end();
    });
    await new Promise((resolve) => redirect.listen(0, resolve));
    t.after(() => redirect.close() && redirect.closeAllConnections());
    const url = `http://localhost:${redirect.address().port}/`;
    assert.deepEqual(await answer(await Trit.load(url, options)), expected);
    assert.equal(target.requests.length, 3);
    target.fault = status(403);
    const before = target.requests.length;
    await assert.rejects(Trit.load(url, { ...options, store: false }), (error) => {
        assert.match(error.message, /403/);
        assert.equal(error.cause.status, 403);
        return error.code === 'NETWORK';
    });
    assert.equal(target.requests.length, before + 2);
});

test('N21 redirects that lead nowhere end', async (t) => {
    const { server, fails } = await setUp(t);
    server.fault = (request, response) => response.writeHead(302, { location: '/x' }).end();
    await fails('NETWORK');
});

test('N21 a redirect from https to http is refused where no browser does it', () => {
    const headers = { 'content-length': '5' };
    const response = Object.defineProperty(new Response('bytes', { headers }), 'url', {
        value: 'http://example.com/model',
    });
    const read = (url) => readResponse(response, url, 0);
    assert.throws(() => read('https://example.com/model'), coded('NETWORK'));
    assert.equal(read('http://example.com/model').total, 5);
});

test('N22 a page for people is no model, first and in the middle; what is stored stays', async (t) => {
    const page = whole({ 'content-type': 'text/html; charset=utf-8' }, '<!doctype html>Sign in');
    const plain = whole({ 'content-type': 'text/plain' }, '<!doctype html>'.repeat(10_000));
    const { records, fails, works } = await setUp(t, page, plain, cutAt(3 * RECORD, 1000), page);
    for (const n of [1, 2]) {
        await fails('NOT_A_MODEL');
        assert.deepEqual(await records(), [], `${n}`);
    }
    await fails('NOT_A_MODEL');
    assert.ok((await records()).length >= 2);
    await works();
});

for (const number of [401, 403, 404, 410])
    test(`N23 ${number} is told, and not asked for again`, async (t) => {
        const { server, load } = await setUp(t, status(number));
        await assert.rejects(load(), (error) => {
            assert.match(error.message, new RegExp(`\\b${number}\\b`));
            return coded('NETWORK')(error) && error.cause.status === number;
        });
        assert.equal(server.requests.length, 1);
    });

test('N23 429 and 503 are asked again when they want it, 500 a few times', async (t) => {
    const times = [];
    const timed = (fault) =>
        function (...args) {
            times.push(Date.now());
            return fault?.apply(this, args);
        };
    const { server, load, works } = await setUp(
        t,
        timed(status(429, { 'retry-after': '1' })),
        timed(status(503, { 'retry-after': new Date(Date.now() + 4000).toUTCString() })),
        timed(),
    );
    const date = Math.floor(Date.now() / 1000) * 1000 + 4000;
    await works();
    assert.ok(times[1] - times[0] >= 990, `${times}`);
    assert.ok(times[2] >= date - 1000, `${times} before ${date}`);
    server.requests.length = 0;
    for (const [fault, n] of [
        [status(500), 3],
        [status(503, { 'retry-after': '3600' }), 1],
    ]) {
        server.fault = fault;
        server.requests.length = 0;
        const few = { store: false, network: { ...network, firstTries: 3 } };
        await assert.rejects(load(few), ({ message }) => /answered 50[03]/.test(message));
        assert.equal(server.requests.length, n);
    }
});

test(
    'N24 a slow server is waited for, a silent one asked again',
    { timeout: 60_000 },
    async (t) => {
        const drip = function (request, response, begin, end) {
            response.writeHead(206, partHeaders(this, begin, end));
            let at = begin;
            const timer = setInterval(() => response.write(this.bytes.subarray(at, ++at)), 40);
            setTimeout(() => {
                clearInterval(timer);
                response.end(this.bytes.subarray(at));
            }, 1500);
            return true;
        };
        const mute = () => true;
        const { server, works } = await setUp(t, mute, silentAt(0), silentAt(RECORD), drip);
        await works({ network: { ...network, stallMs: 1000 } });
        assert.deepEqual(
            server.requests.map(([begin]) => begin),
            [0, 0, 0, RECORD],
        );
    },
);

test('N25 a server that is away for a while is waited for, and told by the progress', async (t) => {
    const { server, works, fails } = await setUp(t, cutAt(2 * RECORD));
    const phases = [];
    const onProgress = (progress) => {
        if (progress.phase === 'wait' && !phases.includes('wait'))
            // it is gone, and comes back by and by
            server.stop().then(() => setTimeout(server.start, 300));
        phases.push(progress.phase);
    };
    await works({ onProgress, network: { ...network, delayMs: 40, mostDelayMs: 80, tries: 30 } });
    assert.ok(phases.includes('wait') && phases.at(-1) === 'load');
    await server.stop();
    await fails('NETWORK', { store: false });
});

test('N25 without a network nothing is asked for until there is one', async (t) => {
    const { server } = await setUp(t, cutAt(2 * RECORD), cutAt(3 * RECORD));
    const own = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
    const navigator = { onLine: true };
    Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
    try {
        let asked;
        const onWait = () => {
            navigator.onLine = false;
            asked = server.requests.length;
            setTimeout(() => {
                assert.equal(server.requests.length, asked);
                navigator.onLine = true;
            }, 150);
        };
        const { chunks } = await openUrl(server.url, undefined, { network, onWait });
        const pieces = [];
        for await (const chunk of chunks) pieces.push(chunk);
        assert.ok(Buffer.concat(pieces).equals(packed));
        assert.equal(server.requests.length, 3);
    } finally {
        if (own) Object.defineProperty(globalThis, 'navigator', own);
        else delete globalThis.navigator;
    }
});

test('N25 a worker of Deno, which has an address, blames no browser', async (t) => {
    const server = await serveModel(packed);
    t.after(server.close);
    server.fault = ({ method, socket }) => method === 'GET' && socket.destroy();
    const location = new URL(import.meta.url);
    Object.defineProperty(globalThis, 'location', { value: location, configurable: true });
    t.after(() => delete globalThis.location);
    await assert.rejects(openUrl(server.url, undefined, { network }), coded('NETWORK'));
});

test('N25 an address that cannot be one of https', async (t) => {
    const { server } = await setUp(t);
    const url = server.url.replace('http:', 'https:');
    await assert.rejects(Trit.load(url, { ...options, store: false }), coded('NETWORK'));
});

test('N26 wrong bytes for one record are asked for again past the cache', async (t) => {
    const { server, works, records } = await setUp(t);
    await works();
    const [, second] = await records();
    await writeFile(second, (await readFile(second)).reverse());
    server.requests.length = server.asked.length = 0;
    server.fault = inTurn(function (request, response, begin, end) {
        response.writeHead(206, partHeaders(this, begin, end));
        response.end(this.bytes.subarray(begin, end).map((byte, i) => byte ^ (i === 99)));
        return true;
    });
    await works();
    assert.deepEqual(server.requests, Array(2).fill([RECORD, 2 * RECORD]));
    const cached = server.asked.map((headers) => headers['cache-control']);
    assert.deepEqual(cached, [undefined, 'no-cache']);
});

test('N27 answers without a body are no model', async (t) => {
    const empty = whole({ 'content-length': 0 }, '');
    const unknown = raw(['HTTP/1.1 200 OK', 'connection: close'], 0);
    const { records, fails } = await setUp(t, status(304), status(204), empty, unknown);
    for (let n = 0; n < 4; n++) await fails('SIZE');
    assert.deepEqual(await records(), []);
});

test('N28 an abort at any moment stops at once, and the next load goes on', async (t) => {
    const { server, records } = await setUp(t);
    const mute = () => true;
    const moments = {
        'before there is an answer': [mute],
        'while bytes come': [silentAt(3 * RECORD + 1)],
        'after a break': [cutAt(RECORD), mute],
        'while it waits': [cutAt(RECORD), status(503, { 'retry-after': '60' })],
    };
    for (const [moment, faults] of Object.entries(moments)) {
        server.fault = inTurn(...faults);
        server.requests.length = 0;
        const stop = new AbortController();
        const { signal } = stop;
        const loading = Trit.load(server.url, { ...options, signal });
        const ended = loading.then(assert.fail, (error) => [error.code, Date.now()]);
        const isThere = async () =>
            server.requests.length === faults.length &&
            (moment !== 'while bytes come' || (await records()).length === 3);
        while (!(await isThere())) await new Promise((resolve) => setTimeout(resolve, 20));
        await new Promise((resolve) => setTimeout(resolve, 100));
        const at = Date.now();
        stop.abort();
        const [code, late] = await ended;
        assert.equal(code, 'ABORTED', moment);
        assert.ok(late - at <= 200, `${moment}: ${late - at} ms`);
    }
    const kept = (await records()).length;
    assert.ok(kept >= 3);
    server.fault = undefined;
    server.requests.length = 0;
    assert.deepEqual(await answer(await Trit.load(server.url, options)), expected);
    assert.equal(server.requests[0][0], kept * RECORD);
});

test('N29 a stored manifest that is none is made anew, with its records', async (t) => {
    const { server, works } = await setUp(t);
    await works();
    const [{ id }] = await Trit.models();
    const path = join(process.env.TRIT_CACHE, 'model', id);
    const sound = await readFile(path);
    const changes = {
        empty: () => Buffer.alloc(0),
        'a page': () => Buffer.from('<!doctype html>'),
        'cut off': () => sound.subarray(0, sound.length - 1),
        'a bit in its hash': () => flipped(3),
        'a bit in its length': () => flipped(88),
        'a bit in its count': () => flipped(97),
        'a megabyte': () => Buffer.concat([sound, Buffer.alloc(1 << 20)]),
    };
    const flipped = (at) => sound.map((byte, i) => (i === at ? byte ^ 64 : byte));
    for (const [what, change] of Object.entries(changes)) {
        await writeFile(path, change());
        assert.deepEqual(
            (await Trit.models()).map(({ state }) => state),
            ['damaged'],
            what,
        );
        server.requests.length = 0;
        await works();
        assert.deepEqual(server.requests, [[0, undefined]], what);
    }
});

test('a wait that was stopped before it began is none', async () => {
    await assert.rejects(pause(60_000, AbortSignal.abort()), coded('ABORTED'));
});

test('an answer that nobody reads is let go with its load', async (t) => {
    const server = await serveModel(packed);
    t.after(server.close);
    const closed = new Promise((resolve) => {
        server.fault = (request, response) => {
            response.writeHead(200, { 'content-length': 1 << 30 });
            response.write('x');
            response.on('close', () => resolve(true));
            return true;
        };
    });
    const load = new AbortController();
    await openUrl(server.url, load.signal, { network });
    load.abort();
    assert.ok(await closed);
});
