// Rows S01 ... S28 of the table of faults where a real browser is another matter than one that is played
// (faults-storage.test.mjs): quotas, tabs that close, site data that is cleared. Chromium is told its quota (S01) and to clear site
// data (S12) by its DevTools, Firefox its quota by a preference (S02); WebKit's driver has neither.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { before } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { Trit } from '../../web/node.js';
import { openBrowser } from './browsers.mjs';
import { modelPath } from './helpers.mjs';
import { partHeaders, serveModel } from './model-server.mjs';
import { startServer } from './server.mjs';

const packed = readFileSync(modelPath);
const RECORD = 1 << 18;
const prompt = 'Once upon a time';
const maxTokens = 4;
const MIB = 1 << 20;

const withoutLocks = () => void Object.defineProperty(navigator, 'locks', { value: undefined });

const files = {
    '/without-locks.js': `(${withoutLocks})();`,
    '/lease-worker.js': "import './without-locks.js'; import './web/worker.js';",
};

let expected;
before(async () => {
    const model = await Trit.load(modelPath, { threads: 1, flavour: 'simd128' });
    expected = (await model.generate(prompt, { temperature: 0, maxTokens }).result).ids;
    model.close();
});

for (const name of ['chromium', 'firefox', 'webkit']) {
    const skip = browserMissing(name) ?? false;
    test(name, { skip }, async (t) => {
        // KiB; a site gets as much as all together when it is so little
        const preferences = { 'dom.quotaManager.temporaryStorage.fixedLimit': 10 * 1024 };
        const browser = await openBrowser(name, name === 'firefox' ? { preferences } : {});
        const pages = await startServer({ isolated: true, files });
        const models = await serveModel(packed, {
            'access-control-allow-origin': '*',
            'access-control-expose-headers': 'content-range',
        });
        t.after(() => browser.close());
        t.after(() => [pages, models].forEach((server) => server.close()));

        const open = () => browser.open(`${pages.url}/tests/web/page.html`);
        // For what needs no tab of its own: it keeps nothing open between two loads, and a page takes long to open.
        let standing;
        const atHand = async () => (standing ??= await open());
        const inPage = async (...work) => (await atHand()).evaluate(...work);
        const options = { threads: 1, flavour: 'simd128', store: { recordBytes: RECORD } };
        /** Begins a load and goes on, so that the driver can do something else meanwhile. */
        const start = (page, more) =>
            page.evaluate(
                (...rest) => {
                    window.loading = window
                        .answer(...rest)
                        .then(({ result, info }) => ({ ids: result.ids, threads: info.threads }))
                        .catch(({ code, message }) => ({ code, message }));
                },
                ...[{ ...options, ...more }, prompt, maxTokens, models.url],
            );
        const loaded = (page) => page.evaluate(() => window.loading);
        const load = (page, more) => start(page, more).then(() => loaded(page));
        const visit = async (more) => {
            const page = await open();
            try {
                if (more?.workerUrl) await page.evaluate(withoutLocks);
                return await load(page, more);
            } finally {
                await page.close();
            }
        };
        const forgetAll = async () => {
            await inPage(() => window.Trit.resetStorage());
            models.requests.length = 0;
        };
        /** The model is whole in the store: it loads without a request. */
        const isWhole = async () => {
            const n = models.requests.length;
            assert.deepEqual((await load(await atHand())).ids, expected);
            assert.equal(models.requests.length, n);
        };
        const begins = () => models.requests.map(([begin]) => begin);

        const quotaRow = { chromium: 'S01', firefox: 'S02' }[name];
        if (quotaRow)
            await t.test(
                `${quotaRow} S04 the quota ends at each record, and the next try goes on`,
                async () => {
                    const page = await open();
                    const room = await roomMaker(name, page, pages.url);
                    let tries = 0;
                    for (; tries < 40; tries++) {
                        const { ids, code, message } = await load(page);
                        if (ids) {
                            assert.deepEqual(ids, expected);
                            break;
                        }
                        assert.equal(code, 'QUOTA', message);
                        await room.more();
                    }
                    assert.ok(tries >= 2 && tries < 40, `${tries} tries`);
                    // each try began behind what was stored, and none asked for a record twice
                    assert.deepEqual(
                        begins(),
                        begins().toSorted((a, b) => a - b),
                    );
                    assert.ok(begins().every((begin) => begin % RECORD === 0));
                    assert.ok(new Set(begins()).size >= 3, `${begins()}`);
                    await room.end();
                    await page.close();
                    await isWhole();
                },
            );

        await t.test(
            'S06 tabs that close in the middle of storing leave whole records only',
            async () => {
                await forgetAll();
                for (const ms of [150, 300, 450, 600, 750]) {
                    const page = await open();
                    await start(page);
                    await wait(ms);
                    await page.close();
                }
                assert.deepEqual((await load(await atHand())).ids, expected);
                assert.ok(begins().every((begin) => begin % RECORD === 0));
                await isWhole();
            },
        );

        for (const workerUrl of [undefined, '/lease-worker.js'])
            await t.test(
                `${workerUrl ? 'S26' : 'S09'} two tabs download a model once`,
                async () => {
                    await forgetAll();
                    const both = await Promise.all([visit({ workerUrl }), visit({ workerUrl })]);
                    for (const { ids, message } of both)
                        assert.deepEqual([ids, message], [expected, undefined]);
                    assert.deepEqual(models.requests, [[0, undefined]]);
                },
            );

        await t.test('S10 the other tab takes over when the downloading one closes', async (t) => {
            await forgetAll();
            let stalled = false;
            models.fault = function (request, response, begin, end) {
                if (stalled) return false;
                stalled = true;
                response.writeHead(206, partHeaders(this, begin, end));
                response.write(this.bytes.subarray(begin, 4 * RECORD));
                return true;
            };
            t.after(() => (models.fault = undefined));
            const [first, second] = [await open(), await open()];
            t.after(() => second.close());
            await start(first);
            while (!stalled) await wait(20);
            await start(second);
            const waits = async () => (await navigator.locks.query()).pending.length > 0;
            while (!(await second.evaluate(waits))) await wait(20);
            // the second one is taken after the manifest, without which the first is made anew
            while ((await second.evaluate(countRecords)) < 2) await wait(20);
            assert.equal(models.requests.length, 1, 'the second waits');
            await first.close();
            const begin = performance.now();
            assert.deepEqual((await loaded(second)).ids, expected);
            // what tells that a tab has gone is its lock, and no limit of time
            assert.ok(performance.now() - begin < 10_000);
            assert.equal(models.requests.length, 2);
            assert.ok(begins()[1] >= RECORD);
        });

        await t.test('S13 the database is deleted beside a model that is in use', async () => {
            const page = await open();
            await page.evaluate(
                async (...[loadOptions, url]) => {
                    window.model = await window.Trit.load(url, loadOptions);
                },
                ...[options, models.url],
            );
            const deleted = await inPage(
                () =>
                    new Promise((resolve) => {
                        const request = indexedDB.deleteDatabase('trit-models');
                        request.onsuccess = () => resolve('deleted');
                        request.onblocked = () => resolve('blocked');
                    }),
            );
            assert.equal(deleted, 'deleted');
            const ids = await page.evaluate(
                async (...[text, n]) =>
                    (await window.model.generate(text, { temperature: 0, maxTokens: n }).result)
                        .ids,
                ...[prompt, maxTokens],
            );
            assert.deepEqual(ids, expected);
            models.requests.length = 0;
            assert.deepEqual((await load(page)).ids, expected);
            assert.deepEqual(begins(), [0]);
            await page.close();
            await isWhole();
        });

        if (name === 'chromium')
            await t.test('S12 site data is cleared beside a model that is in use', async () => {
                const page = await open();
                await page.evaluate(
                    async (...[loadOptions, url]) => {
                        window.model = await window.Trit.load(url, loadOptions);
                    },
                    ...[options, models.url],
                );
                const what = { origin: pages.url, storageTypes: 'indexeddb' };
                await page.devtools('Storage.clearDataForOrigin', what);
                const ids = await page.evaluate(
                    async (...[text, n]) =>
                        (await window.model.generate(text, { temperature: 0, maxTokens: n }).result)
                            .ids,
                    ...[prompt, maxTokens],
                );
                assert.deepEqual(ids, expected);
                models.requests.length = 0;
                assert.deepEqual((await load(page)).ids, expected);
                assert.deepEqual(begins(), [0]);
                await page.close();
                await isWhole();
            });

        await t.test(
            'S14 a connection that is not closed is named; without it, all goes on',
            async () => {
                const holder = await open();
                await holder.evaluate(
                    () =>
                        new Promise((resolve) => {
                            const request = indexedDB.open('trit-models');
                            request.onsuccess = () => {
                                window.held = request.result; // it does not listen to versionchange
                                resolve();
                            };
                        }),
                );
                const reset = () =>
                    inPage(() => window.Trit.resetStorage().then(String, ({ code }) => code));
                assert.equal(await reset(), 'DB_BLOCKED');
                await holder.close();
                assert.equal(await reset(), 'undefined');
                models.requests.length = 0;
                assert.deepEqual((await load(await atHand())).ids, expected);
                assert.deepEqual(begins(), [0]);
            },
        );

        await t.test('S28 an engine with threads stores and reads from shared memory', async () => {
            await forgetAll();
            for (const n of [1, 1]) {
                const { ids, threads, message } = await load(await atHand(), { threads: 2 });
                assert.deepEqual([ids, threads, message], [expected, 2, undefined]);
                assert.equal(models.requests.length, n);
            }
        });
    });
}

/** In a page, where the store is there: how many records it has. */
async function countRecords() {
    const request = indexedDB.open('trit-models');
    await new Promise((resolve) => (request.onsuccess = resolve));
    const store = request.result.transaction('values').objectStore('values');
    const count = store.count(IDBKeyRange.bound('record/', 'record/\uffff'));
    await new Promise((resolve) => (count.onsuccess = resolve));
    request.result.close();
    return count.result;
}

/**
 * Leaves hardly any room, and gives a little more whenever it is asked to.
 * @param {string} name
 * @param {any} page
 * @param {string} origin
 */
async function roomMaker(name, page, origin) {
    if (name === 'chromium') {
        let quotaSize = 64 << 10;
        const set = () => page.devtools('Storage.overrideQuotaForOrigin', { origin, quotaSize });
        await set();
        const more = () => {
            quotaSize += RECORD;
            return set();
        };
        const end = () => page.devtools('Storage.overrideQuotaForOrigin', { origin });
        return { more, end };
    }
    // what fills the rest can be deleted piece by piece, each a database of its own
    const count = await page.evaluate(async (bytes) => {
        for (let i = 0; ; i++) {
            const request = indexedDB.open(`filler ${i}`);
            const fits = await new Promise((resolve) => {
                request.onupgradeneeded = () => request.result.createObjectStore('x');
                request.onerror = () => resolve(false);
                request.onsuccess = () => {
                    const value = new Uint8Array(bytes);
                    for (let at = 0; at < bytes; at += 65536)
                        crypto.getRandomValues(value.subarray(at, at + 65536));
                    const transaction = request.result.transaction('x', 'readwrite');
                    transaction.objectStore('x').put(value, 0);
                    transaction.oncomplete = () => resolve(true);
                    transaction.onabort = () => resolve(false);
                };
            });
            request.result?.close?.();
            if (!fits) return i;
        }
    }, MIB / 2);
    assert.ok(count > 4, `${count} pieces fit`);
    let left = count;
    const more = () =>
        page.evaluate(
            (i) =>
                new Promise((resolve) => {
                    indexedDB.deleteDatabase(`filler ${i}`).onsuccess = () => resolve();
                }),
            left--,
        );
    const end = async () => {
        while (left >= 0) await more();
    };
    return { more, end };
}
