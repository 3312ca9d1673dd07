// What only browsers show of networks and servers: rows of the table of faults, by number. Some say that a body is
// whole which is cut; all hide what other origins say, and why a request has failed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { before } from 'node:test';
import { gzipSync } from 'node:zlib';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { Trit } from '../../web/node.js';
import { openBrowser } from './browsers.mjs';
import { modelPath } from './helpers.mjs';
import { cutAt, inTurn, partHeaders, raw, serveModel } from './model-server.mjs';
import { silentAt, status, whole, withHeaders } from './model-server.mjs';
import { startServer } from './server.mjs';

const packed = readFileSync(modelPath);
const RECORD = 1 << 18;
const prompt = 'Once upon a time';
const maxTokens = 4;
const network = { stallMs: 5000, delayMs: 5, mostDelayMs: 20, firstTries: 3 };
const OPEN = { 'access-control-allow-origin': '*' };
const SHOWN = { ...OPEN, 'access-control-expose-headers': 'content-range, content-encoding, etag' };

let expected;
before(async () => {
    const model = await Trit.load(modelPath, { threads: 1 });
    expected = (await model.generate(prompt, { temperature: 0, maxTokens }).result).ids;
    model.close();
});

for (const name of ['chromium', 'firefox']) {
    const skip = browserMissing(name) ?? false;
    test(name, { skip }, async (t) => {
        const browser = await openBrowser(name);
        t.after(() => browser.close());
        const closing = [];
        t.after(() => closing.forEach((server) => server.close()));
        const closed = (server) => {
            closing.push(server);
            return server;
        };
        const serve = async (headers) => closed(await serveModel(packed, headers));
        const [shown, hidden, silent] = [await serve(SHOWN), await serve(OPEN), await serve({})];
        const plain = closed(await startServer({ isolated: false }));
        const isolated = closed(await startServer({ isolated: true }));
        const policy = `connect-src 'self' ${shown.origin}`;
        const strict = closed(
            await startServer({
                isolated: false,
                headersOf: () => ({ 'content-security-policy': policy }),
            }),
        );

        const ofWorker = closed(
            await startServer({
                isolated: false,
                headersOf: (path) =>
                    path === '/web/worker.js' ? { 'content-security-policy': policy } : {},
            }),
        );

        const pages = new Map();
        const inPage = async ({ url }, ...args) => {
            if (!pages.has(url)) pages.set(url, await browser.open(`${url}/tests/web/page.html`));
            return pages.get(url).evaluate(...args);
        };
        let n = 0;
        /** A load of a model that no other has loaded: its ids, or the code of its error. */
        const loadIn = async (site, url, more = {}) => {
            const own = { threads: 1, flavour: 'simd128', store: { recordBytes: RECORD }, network };
            const options = { ...own, ...more };
            const { result, code, message } = await inPage(
                site,
                (...rest) =>
                    window.answer(...rest).catch((error) => ({ ...error, message: error.message })),
                ...[options, prompt, maxTokens, url],
            );
            if (!result) return { code, message };
            assert.deepEqual(result.ids, expected);
            return { code: 'fine' };
        };
        const load = (server, faults = [], site = plain) => {
            server.fault = inTurn(...faults);
            server.requests.length = server.asked.length = 0;
            return loadIn(site, `${server.origin}/${++n}`);
        };
        const isFine = async (...args) => assert.deepEqual(await load(...args), { code: 'fine' });

        await t.test('N01 a connection cut anywhere goes on where it was', async () => {
            await isFine(shown, [cutAt(1), cutAt(3 * RECORD + 1000), cutAt(packed.length - 1)]);
            assert.equal(shown.requests.length, 4);
        });

        await t.test('N03 a body that only the end of the connection ends, cut short', async () => {
            const head = ['HTTP/1.1 206 OK', 'connection: close', 'RANGE'];
            await isFine(shown, [raw(head, RECORD + 9)]);
            assert.deepEqual(shown.requests, [
                [0, undefined],
                [RECORD + 9, undefined],
            ]);
        });

        await t.test('N04 HTTP/1.0 with a length that the body does not have', async () => {
            const head = ['HTTP/1.0 206 OK', 'RANGE', 'content-length: LENGTH'];
            await isFine(shown, [raw(head, RECORD + 9)]);
            assert.ok(shown.requests.length >= 2);
        });

        await t.test('N05 a length that is smaller than the body', async () => {
            const head = ['HTTP/1.1 206 OK', 'connection: close', 'RANGE', 'content-length: 1000'];
            assert.equal((await load(shown, [raw(head)])).code, 'SIZE');
        });

        const gzipped = gzipSync(packed);
        const encoded = { 'content-encoding': 'gzip', 'content-length': gzipped.length };

        await t.test('N14 a server that compresses', async () => {
            await isFine(shown, [whole(encoded, gzipped)]);
            // Chromium takes no such part itself, and the next one is as it should be
            const part = await load(shown, [withHeaders(encoded, 206, gzipped)]);
            assert.equal(part.code, shown.requests.length > 1 ? 'fine' : 'ENCODING');
            // where the browser hides it, the length is not that of the bytes
            const { code } = await load(hidden, [whole(encoded, gzipped)]);
            assert.ok(['fine', 'ENCODING'].includes(code), code);
        });

        await t.test('N15 a compressed body that is cut inside its framing', async () => {
            const half = gzipped.subarray(0, gzipped.length >> 1);
            const url = `${shown.origin}/${++n}`;
            shown.fault = inTurn(whole({ 'content-encoding': 'gzip' }, half));
            const { code } = await loadIn(plain, url);
            assert.ok(['fine', 'TRUNCATED'].includes(code), code);
            assert.deepEqual(await loadIn(plain, url), { code: 'fine' });
        });

        await t.test('N16 a server that does not let the page read is named', async () => {
            const { code, message } = await load(silent);
            assert.equal(code, 'CORS');
            assert.match(message, /access-control-allow-origin/);
            assert.ok(message.includes(silent.origin), message);
            for (const origin of ['https://example.com', 'null']) {
                const other = whole({ 'access-control-allow-origin': origin });
                const methods = [];
                const fault = function (request, response) {
                    methods.push(request.method);
                    return other.call(this, request, response);
                };
                assert.equal((await load(silent, Array(9).fill(fault))).code, 'CORS');
                assert.ok(!methods.includes('OPTIONS'), 'nobody can refuse a preflight');
            }
            // in a page that is isolated nobody can tell this from a server that is not there
            const gone = await loadIn(isolated, 'http://localhost:1/x');
            assert.equal(gone.code, 'CORS');
            assert.match(gone.message, /cannot be reached/);
            assert.equal((await loadIn(plain, 'http://localhost:1/x')).code, 'NETWORK');
        });

        await t.test('N17 what a server does not expose is done without', async () => {
            // of the first answer nobody knows whether it is all: it is asked for again, as a whole
            const cuts = () => [silentAt(RECORD), cutAt(3 * RECORD + 1000, 1500)];
            await isFine(hidden, cuts());
            assert.equal(hidden.requests.length, 3);
            const url = `${hidden.origin}/${++n}`;
            hidden.fault = inTurn(...cuts());
            const once = { network: { ...network, tries: 1 } };
            assert.equal((await loadIn(plain, url, once)).code, 'NETWORK');
            hidden.requests.length = 0;
            assert.deepEqual(await loadIn(plain, url), { code: 'fine' });
            assert.deepEqual(hidden.requests, [[3 * RECORD, packed.length]]);
        });

        await t.test(
            'N18 in an isolated page CORS is enough, and without it is named',
            async () => {
                await isFine(hidden, [], isolated);
                assert.equal((await load(silent, [], isolated)).code, 'CORS');
            },
        );

        await t.test(
            'N19 an address that the page’s policy forbids, or to which another leads',
            async () => {
                const { code, message } = await load(hidden, [], strict);
                assert.equal(code, 'CSP');
                assert.match(message, /connect-src/);
                assert.equal(hidden.requests.length, 0);
                const leads = status(302, { location: `${hidden.origin}/x` });
                assert.equal((await load(shown, [leads], strict)).code, 'CSP');
                await isFine(shown, [], strict);
                // who asks is the worker, by the policy that its own file came with
                assert.equal((await load(hidden, [], ofWorker)).code, 'CSP');
            },
        );

        await t.test('N20 a redirect to another origin whose address expires', async () => {
            const leads = () => status(302, { ...OPEN, location: `${hidden.origin}/x` });
            hidden.fault = inTurn(cutAt(RECORD + 5), status(403));
            hidden.requests.length = 0;
            await isFine(shown, [leads(), leads(), leads()]);
            assert.equal(shown.requests.length, 3);
            assert.equal(hidden.requests.length, 3);
        });

        await t.test('N21 redirects that lead nowhere end', async () => {
            const around = status(302, { location: `${shown.origin}/around` });
            const { code } = await load(shown, Array(200).fill(around));
            assert.ok(['NETWORK', 'CORS'].includes(code), code);
        });

        await t.test('N24 a server that falls silent is asked again', async () => {
            shown.fault = inTurn(silentAt(RECORD));
            shown.requests.length = 0;
            const more = { network: { ...network, stallMs: 2000 } };
            const got = await loadIn(plain, `${shown.origin}/${++n}`, more);
            assert.deepEqual([got.code, shown.requests.length], ['fine', 2]);
        });

        await t.test(
            'N26 wrong bytes for one record are asked for again past the cache',
            async () => {
                await isFine(shown);
                await inPage(plain, damageLast, `${shown.origin}/${n}`);
                shown.requests.length = shown.asked.length = 0;
                shown.fault = inTurn(function (request, response, begin, end) {
                    const kept = {
                        ...partHeaders(this, begin, end),
                        'cache-control': 'max-age=3600',
                    };
                    response.writeHead(206, kept);
                    response.end(
                        this.bytes.subarray(begin, end).map((byte, i) => byte ^ (i === 99)),
                    );
                    return true;
                });
                assert.deepEqual(await loadIn(plain, `${shown.origin}/${n}`), { code: 'fine' });
                assert.equal(shown.requests.length, 2);
                assert.deepEqual(shown.requests[0], shown.requests[1]);
                assert.equal(shown.asked[1]['cache-control'], 'no-cache');
            },
        );

        await t.test('N28 an abort stops at once and leaves nothing unhandled', async () => {
            shown.fault = inTurn(silentAt(2 * RECORD), cutAt(RECORD), () => true);
            const late = await inPage(
                plain,
                async (url, options) => {
                    const unhandled = [];
                    window.onunhandledrejection = ({ reason }) => unhandled.push(String(reason));
                    const times = [];
                    for (const part of ['a', 'b']) {
                        const stop = new AbortController();
                        const { signal } = stop;
                        const loading = window.Trit.load(url + part, { ...options, signal });
                        const ended = loading.catch(({ code }) => [code, performance.now()]);
                        await new Promise((resolve) => setTimeout(resolve, 700));
                        const begin = performance.now();
                        stop.abort();
                        const [code, end] = await ended;
                        times.push([code, end - begin <= 200]);
                    }
                    await new Promise((resolve) => setTimeout(resolve, 100));
                    return { times, unhandled };
                },
                ...[`${shown.origin}/${++n}`, { threads: 1, flavour: 'simd128', network }],
            );
            const stopped = ['ABORTED', true];
            assert.deepEqual(late, { times: [stopped, stopped], unhandled: [] });
        });

        const cannot = name === 'chromium' ? false : 'its driver does not take the network away';
        await t.test(
            'N25 without a network it waits, and goes on by itself',
            { skip: cannot },
            async () => {
                shown.fault = inTurn(silentAt(2 * RECORD));
                shown.requests.length = 0;
                const page = pages.get(plain.url);
                const more = { network: { ...network, stallMs: 2000 } };
                const loading = loadIn(plain, `${shown.origin}/${++n}`, more);
                while (shown.requests.length === 0)
                    await new Promise((resolve) => setTimeout(resolve, 20));
                await page.setOffline(true);
                await new Promise((resolve) => setTimeout(resolve, 2500)); // longer than it waits for bytes
                assert.equal(shown.requests.length, 1);
                await page.setOffline(false);
                assert.deepEqual(await loading, { code: 'fine' });
                assert.equal(shown.requests.length, 2);
            },
        );
    });
}

/** In a page: changes a bit of the last record that is stored of the model of this address. */
async function damageLast(address) {
    const [{ id }] = (await window.Trit.models()).filter(
        ({ about }) => about.source[0] === address,
    );
    const db = await new Promise((resolve) => {
        const request = indexedDB.open('trit-models');
        request.onsuccess = () => resolve(request.result);
    });
    const transaction = db.transaction('values', 'readwrite');
    const store = transaction.objectStore('values');
    const keys = store.getAllKeys(IDBKeyRange.bound(`record/${id}/`, `record/${id}/\uffff`));
    keys.onsuccess = () => {
        const key = keys.result.at(-2);
        const value = store.get(key);
        value.onsuccess = () => {
            new Uint8Array(value.result)[100_000] ^= 1;
            store.put(value.result, key);
        };
    };
    await new Promise((resolve) => (transaction.oncomplete = resolve));
    db.close();
}
